import ArgumentParser
import Foundation

/// How results are printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the results as JSON.")
    var json = false

    func print(_ report: some Encodable, text: String) throws {
        guard json else { return Swift.print(text) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Swift.print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}

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
