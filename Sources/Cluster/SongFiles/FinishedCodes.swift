import Checkpoint
import Foundation
import SongPlan

/// What a finished song's folder says of its tokens.
package struct FinishedCodes: Sendable {
    package let description: SongDescription
    /// [level][sample][token].
    package let codes: [[[Int]]]

    /// Reads `song.json` and the codes of a folder.
    ///
    /// - Parameter name: the song's, for messages.
    /// - Throws: `SongError` when one of the two is damaged.
    package init(_ layout: SongFolderLayout, name: String) throws {
        let json = try Data(contentsOf: layout.description)
        description = try SongDescription(json: json, source: "the song.json of \(name)")
        do {
            codes = try CodesFile.read(layout.codes.path)
        } catch let error as CheckpointError {
            // Where a copy lies says nothing to anybody.
            throw SongError(
                "\(error)".replacingOccurrences(of: layout.codes.path, with: "the codes of \(name)")
                    + "; submit \(name) again under another id")
        }
        if let level = Self.damagedLevel(codes, digests: description.outcome.digests ?? [:]) {
            throw SongError(
                "the codes of level \(level) of \(name) are not those that its song.json was written for: one of the two "
                    + "files was damaged; submit \(name) again under another id")
        }
    }

    /// The first level whose codes are not those that `song.json` was written for; nil when all are.
    ///
    /// - Parameters:
    ///   - codes: [level][sample][token].
    ///   - digests: BLAKE2b, by `z0`, `z1` …; a level without one counts as whole.
    package static func damagedLevel(_ codes: [[[Int]]], digests: [String: String]) -> Int? {
        codes.indices.first { level in
            let samples = codes[level].map { $0.map(UInt16.init(clamping:)) }
            return digests["z\(level)"].map { $0 != SongOutput.digest(samples) } ?? false
        }
    }
}
