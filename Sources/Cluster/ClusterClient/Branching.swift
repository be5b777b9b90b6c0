package import Foundation
package import SongFiles
import SongPlan

extension ClusterClient {
    /// What to submit for a branch of a finished song: the parent's codes are fetched, and what is kept of them is put into
    /// a file, which is sent with the song.
    ///
    /// - Parameters:
    ///   - chance: the seed of a branch that samples something new, where the request names none.
    ///   - format: of the audio files; nil: the parent's.
    ///   - largest: bytes of codes that are read into memory.
    ///   - scratch: a folder for the file, which must be there until the song is submitted.
    /// - Throws: `ClientError`, of the kind `conflict` for a song that is not finished; `SongError` for a request that cannot
    ///   be.
    package func branch(
        _ request: BranchRequest, of song: String, chance: UInt64, format: String? = nil, largest: UInt64 = 16 << 30,
        scratch: URL,
        progress: (FileTransfer) -> Void = { _ in }
    ) throws -> SongRequest {
        let files = try list(song: song)
        let wanted = [SongFolderLayout.codesName, SongFolderLayout.descriptionName]
        guard wanted.allSatisfy({ name in files.files.contains { $0.path == name } }) else {
            throw ClientError(
                "\(song) is not finished, so that nothing can branch from it yet; orchestrion watch \(song)", .conflict)
        }
        for file in files.files where wanted.contains(file.path) && file.size > largest {
            throw ClientError(
                "\(file.path) of \(song) has \(file.size) bytes, and branches are made here of at most \(largest); orchestrion "
                    + "go-on, vary, cut and upsample make them on a machine with more memory")
        }
        _ = try fetch(song: song, into: scratch, isWanted: wanted.contains, progress: progress)
        let parent = try FinishedCodes(SongFolderLayout(scratch), name: song)
        let branch = try Branch(
            request, of: parent.description.specification, id: song, codes: parent.codes,
            sampleRate: files.sampleRate, chance: chance)
        let tokens = branch.codes.joined().reduce(0) { $0 + $1.count }
        guard tokens <= Self.mostKept else {
            throw ClientError(
                "the branch would keep \(tokens) tokens, counting each of its samples, and a file of at most "
                    + "\(Self.mostKept) can be sent; make fewer variations, or keep less")
        }
        var specification = branch.specification
        specification.codes = scratch.appendingPathComponent("kept.safetensors").path
        try Ancestry.write(branch.codes, branch.ancestry, to: specification.codes!)
        return SongRequest(
            specification: specification, format: format ?? parent.description.outcome.format ?? "wav")
    }

    /// Tokens that a branch may keep: a file of codes has 8 bytes for each, and an upload 2 GiB.
    private static let mostKept = (2 << 30) / 8 - (1 << 20)

    /// A song with all that it comes from and all that came of it, parents before children.
    ///
    /// - Returns: the first is the oldest of its ancestors that is still here.
    package func tree(of song: String) throws -> [SongProgress] {
        var all: [SongProgress] = []
        var cursor: String?
        for _ in 0..<Self.mostPages {
            let page = try songs(cursor: cursor)
            all += page.songs
            cursor = page.next
            if cursor == nil { break }
        }
        let parents = Dictionary(all.map { ($0.song, $0.parent?.song) }) { $1 }
        guard parents[song] != nil else { throw ClientError("there is no song \(song)", .notFound) }
        var root = song
        // A parent is older than its child; where ids were given again, that is what ends this.
        for _ in 0..<all.count { root = (parents[root] ?? nil) ?? root }
        var members: Set<String> = [root]
        return all.filter { song in
            guard song.song == root || song.parent?.song.map(members.contains) ?? false else { return false }
            members.insert(song.song)
            return true
        }
    }
}
