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
        for (level, samples) in codes.enumerated() {
            let samples = samples.map { $0.map(UInt16.init(clamping:)) }
            guard let wanted = description.outcome.digests?["z\(level)"], wanted != SongOutput.digest(samples) else {
                continue
            }
            throw SongError(
                "the codes of level \(level) of \(name) are not those that its song.json was written for: one of the two "
                    + "files was damaged; submit \(name) again under another id")
        }
    }
}
