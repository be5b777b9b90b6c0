import Checkpoint
import Foundation
package import SongPlan

extension BranchOrigin {
    /// What is kept of each sample, [kept sample][level][token]; nothing of levels below the lowest.
    ///
    /// - Parameter codes: of the parent, [level][sample][token].
    /// - Throws: `SongError` when the parent's codes are not as long as they must be.
    package func rows(of codes: [[[Int]]]) throws -> [[[Int]]] {
        let top = codes.last?.first?.count ?? 0
        guard from >= 0, from < to, to <= top, codes.indices.contains(lowestLevel) else {
            throw SongError("the branch keeps top-level tokens \(from) to \(to), and its parent has \(top)")
        }
        return try samples.map { sample in
            try codes.enumerated().map { level, rows in
                guard level >= lowestLevel else { return [] }
                guard rows.indices.contains(sample), rows[sample].count.isMultiple(of: top), !rows[sample].isEmpty
                else {
                    throw SongError("the branch keeps level \(level) of sample \(sample), which its parent has not")
                }
                let ratio = rows[sample].count / top
                return Array(rows[sample][from * ratio..<to * ratio])
            }
        }
    }

    /// What a branch of so many samples keeps, [level][sample][token].
    ///
    /// - Throws: `SongError`, also when the codes are not those that the branch was made from.
    package func keep(of codes: [[[Int]]], samples count: Int) throws -> [[[Int]]] {
        let rows = try rows(of: codes)
        guard rows.count == 1 || rows.count == count, digests.count == rows.count else {
            throw SongError("the branch has \(count) samples, and keeps \(rows.count) of its parent's")
        }
        guard zip(rows, digests).allSatisfy({ Self.digests($0) == $1 }) else {
            throw SongError(
                "the song's parent came out with other codes than the branch was made from; another model, recording or "
                    + "file of codes was used, or song.json was changed")
        }
        return codes.indices.map { level in (0..<count).map { rows[rows.count == 1 ? 0 : $0][level] } }
    }

    /// - Parameter levels: of a branch's file of codes, [level][sample][token].
    /// - Throws: `SongError` when it does not hold what the branch keeps.
    func check(kept levels: [[[Int]]], _ file: String) throws {
        let count = levels.map(\.count).max() ?? 0
        let fits = (0..<count).allSatisfy { sample in
            let place = digests.count == 1 ? 0 : sample
            let rows = levels.map { $0.indices.contains(sample) ? $0[sample] : [] }
            return digests.indices.contains(place) && Self.digests(rows) == digests[place]
        }
        guard fits else {
            throw SongError(
                "\(file) does not hold what the branch keeps of its parent; for a song from other codes leave \"parent\" away"
            )
        }
    }

    /// What is wrong with it by itself; nil when nothing is.
    fileprivate var fault: String? {
        if samples.isEmpty || digests.count != samples.count || digests.contains(where: \.isEmpty) {
            return
                "has \(samples.count) samples and \(digests.count) digests; it needs one or more, and as many of both"
        }
        if from < 0 || to <= from || to > 1 << 32 { return "keeps from \(from) to \(to), which is no part of a song" }
        return (0..<16).contains(lowestLevel) ? nil : "has the lowest level \(lowestLevel), which no model has"
    }

    /// By level that is kept.
    ///
    /// - Parameter levels: one sample's, [level][token].
    package static func digests(_ levels: [[Int]]) -> [String: String] {
        var digests: [String: String] = [:]
        for (level, tokens) in levels.enumerated() where !tokens.isEmpty {
            digests["z\(level)"] = SongOutput.digest([tokens.map { UInt16(clamping: $0) }])
        }
        return digests
    }
}

/// The songs that a branch comes from, as its file of codes carries them.
package enum Ancestry {
    /// Songs.
    package static let most = 256
    /// Bytes.
    private static let longest = 16 << 20
    private static let key = "ancestry"

    /// Writes what a branch keeps, [level][sample][token], and what it comes from.
    package static func write(_ codes: [[[Int]]], _ ancestry: [SongSpecification], to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(ancestry), as: UTF8.self)
        guard text.utf8.count <= longest else {
            throw SongError("the song has too many ancestors for a song file to tell of; branch from an earlier one")
        }
        try CodesFile.write(codes, to: path, metadata: [key: text])
    }

    /// - Returns: nil for a file that has none.
    /// - Throws: `CheckpointError`, `SongError`.
    package static func read(_ path: String) throws -> [SongSpecification]? {
        guard let text = try CodesFile.metadata(path)[key] else { return nil }
        guard text.utf8.count <= longest else { throw SongError("the ancestry of the codes is too long") }
        // Looked at as a user's file is: clients send it.
        let file = try SongFile(Data("{\"ancestry\":\(text)}".utf8), source: "the ancestry of the codes")
        let ancestry = try SongSpecification(file).ancestry ?? []
        guard ancestry.count <= most else { throw SongError("the ancestry of the codes has too many songs") }
        return ancestry
    }

    /// The songs to make for a branch, root first, each with only those samples that the next one keeps.
    ///
    /// - Parameter song: its ancestry is what it was.
    /// - Throws: `SongError` for an ancestry in which something does not fit.
    package static func steps(to song: SongSpecification) throws -> [SongSpecification] {
        guard let ancestry = song.ancestry else { return [song] }
        guard !ancestry.isEmpty, ancestry.count <= most else {
            throw SongError("the ancestry has \(ancestry.count) songs; a branch has 1 to \(most)")
        }
        guard song.codes == nil else {
            throw SongError(
                "the song file is a branch's, whose codes come from its ancestry; for a song from other codes remove "
                    + "\"parent\" and \"ancestry\" from it")
        }
        var steps = ancestry + [song]
        steps[steps.count - 1].ancestry = nil
        guard steps[0].parent == nil else { throw SongError("the first song of the ancestry has a parent itself") }
        for place in stride(from: steps.count - 1, to: 0, by: -1) {
            guard let origin = steps[place].parent else {
                throw SongError("song \(place) of the ancestry does not say what it keeps of the one before it")
            }
            if let fault = origin.fault { throw SongError("the parent of song \(place) of the ancestry \(fault)") }
            guard origin.samples.count == 1 || origin.samples.count == steps[place].samples.count else {
                throw SongError(
                    "song \(place) of the ancestry has \(steps[place].samples.count) samples, and keeps \(origin.samples.count)"
                )
            }
            // A file of codes has all samples, in their order.
            guard steps[place - 1].codes == nil || steps[place - 1].parent != nil else { continue }
            steps[place - 1] = try steps[place - 1].reduced(to: origin)
            steps[place].parent?.samples = Array(origin.samples.indices)
        }
        return steps
    }
}

extension SongSpecification {
    /// The same song with nothing but what a branch keeps of it. Its samples keep their numbers, and so their tokens.
    fileprivate func reduced(to origin: BranchOrigin) throws -> SongSpecification {
        guard origin.samples.allSatisfy(samples.indices.contains), !origin.samples.isEmpty else {
            throw SongError("a branch keeps samples \(origin.samples) of a song that has \(samples.count)")
        }
        var song = self
        song.stereo = nil
        song.stopAt = max(stopAt, origin.lowestLevel)
        song.samples = origin.samples.map { place in
            var sample = samples[place]
            sample.number = sample.number ?? place
            return sample
        }
        if let prompt, !prompt.isEmpty { song.prompt = origin.samples.map { prompt[$0 % prompt.count] } }
        if let parent, parent.samples.count > 1 {
            guard parent.samples.count == samples.count, parent.digests.count == samples.count else {
                throw SongError("a song of the ancestry does not say which samples it keeps of the one before it")
            }
            song.parent?.samples = origin.samples.map { parent.samples[$0] }
            song.parent?.digests = origin.samples.map { parent.digests[$0] }
        }
        return song
    }
}
