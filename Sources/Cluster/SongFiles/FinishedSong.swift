import Checkpoint
package import Foundation
package import JukeboxModel
package import SongPlan
import Stitching
import SystemErrors
package import Tensor

/// A finished song's folder, compared with what its `song.json` says of the files beside it.
package struct FinishedSong: Sendable {
    private let layout: SongFolderLayout
    private let description: SongDescription

    /// Reads `song.json`.
    ///
    /// - Throws: `SystemError` when it cannot be read, `SongError` when it is damaged.
    package init(_ folder: URL) throws {
        layout = SongFolderLayout(folder)
        description = try SongDescription(
            json: Data(contentsOf: layout.description), source: layout.description.path)
    }

    /// SHA-256 by path; empty for a song of an earlier release.
    package var digests: [String: String] { description.outcome.files ?? [:] }

    /// As the song names it.
    package var model: String { description.specification.model }

    /// Whether a file is as it was written. One of which nothing is known is.
    ///
    /// - Throws: `SystemError` when it cannot be read.
    package func isWhole(_ path: String) throws -> Bool {
        guard let wanted = digests[path] else { return true }
        return try FileDigest.sha256(layout.folder.appendingPathComponent(path).path) == wanted
    }

    /// Why damaged sound cannot be made again.
    package enum Obstacle: Error, Sendable, CustomStringConvertible {
        case codesDamaged
        case otherSound

        package var description: String {
            switch self {
            case .codesDamaged: "its codes are damaged, too"
            case .otherSound: "the model's VQ-VAE makes other sound now than it did"
            }
        }
    }

    /// Makes a file of sound again from the codes, and puts it in the damaged one's place when it is the same as it was.
    ///
    /// - Parameter plan: the song's; of one in segments, with the cuts of its first sample.
    /// - Throws: `Obstacle`; what reading, decoding and writing throw.
    package func makeAgain(_ path: String, plan: Plan, vqvae: VQVAE, team: ThreadTeam) throws {
        guard let place = SongFolderLayout.place(of: path), let codes = try? CodesFile.read(layout.codes.path) else {
            throw Obstacle.codesDamaged
        }
        let tokens = codes.map { $0.map { $0.map(UInt16.init(clamping:)) } }
        guard tokens.indices.contains(place.level), tokens[place.level].indices.contains(place.sample),
            description.outcome.digests?["z\(place.level)"] == SongOutput.digest(tokens[place.level])
        else { throw Obstacle.codesDamaged }
        try? FileManager.default.removeItem(at: layout.again)
        defer { try? FileManager.default.removeItem(at: layout.again) }
        let request = SongRequest(
            specification: description.specification, format: description.outcome.format ?? "wav")
        let output = SongOutput(folder: layout.again, request: request, plan: plan)
        let own = tokens[place.level][place.sample]
        let joins = description.outcome.joins ?? []
        if joins.contains(where: { $0.level == place.level && $0.sample == place.sample }) {
            let joined = try JoinedLevel(
                level: place.level, codes: own, joins: joins,
                margins: CodesFile.readMargins(layout.codes.path)[place.level] ?? CodesFile.Margins(),
                sample: place.sample)
            try output.writeAudio(joined, sample: place.sample, vqvae: vqvae, team: team)
        } else {
            try output.writeAudio(own, level: place.level, sample: place.sample, vqvae: vqvae, team: team)
        }
        let made = layout.again.appendingPathComponent(path).path
        guard try FileDigest.sha256(made) == digests[path] else { throw Obstacle.otherSound }
        try OutputFolder.make(layout.folder.appendingPathComponent(path).deletingLastPathComponent().path)
        let target = layout.folder.appendingPathComponent(path).path
        guard rename(made, target) == 0 else { throw SystemError(target) }
        OutputFolder.synchronize(containing: target)
    }
}
