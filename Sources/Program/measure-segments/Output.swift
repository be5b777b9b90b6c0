import Foundation
import MeasurementSupport

/// What `orchestrion seams --json` prints, as far as it is used here.
struct MeasuredSeams: Decodable {
    struct Report: Decodable {
        var auc: Double
    }
    var report: Report

    /// The chance that a seam of the song scores higher than another place; 0.5 is undetectable.
    static func auc(of folder: URL) throws -> Double {
        let printed = try Child.run(["seams", folder.path, "--json"])
        return try JSONDecoder().decode(MeasuredSeams.self, from: printed).report.auc
    }
}
