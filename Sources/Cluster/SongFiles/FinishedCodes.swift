import Checkpoint
package import Foundation
package import SongPlan

/// What a finished song's folder says of its tokens.
package struct FinishedCodes: Sendable {
    package let description: SongDescription
    /// [level][sample][token].
    package let codes: [[[Int]]]

    /// Reads `song.json` and the codes of a folder.
    ///
    /// - Parameter name: the song's, for messages.
    /// - Throws: `SongError` when one of the two is damaged, `CheckpointError` for codes that cannot be read.
    package init(_ layout: SongFolderLayout, name: String) throws {
        let json = try Data(contentsOf: layout.description)
        description = try SongDescription(json: json, source: "the song.json of \(name)")
        codes = try CodesFile.read(layout.codes.path)
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
