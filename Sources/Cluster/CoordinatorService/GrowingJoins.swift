import JukeboxModel
import SongFiles
import SongPlan
import Stitching
import Synchronization
import Tensor

/// Joins and decodes a song's levels in segments while segments are completed, from the song's beginning on, so that they
/// are heard seam by seam before the song is finished.
///
/// The loop adds complete segments, in any order; the thread that decodes joins those whose turn it is.
final class GrowingJoins: Sendable {
    private struct Growth {
        var joiner: SeamJoiner
        /// As of the last segment that was completed: with every cut that one of them needs.
        var plan: Plan
        /// Complete segments whose turn has not come, as codes.
        var waiting: [Int: [UInt16]] = [:]
        /// Segments that are decoded, and their audio samples.
        var decoded = 0
        var samples = 0
        /// Whether a job for the level waits or runs.
        var isQueued = false

        var next: [UInt16]? { waiting[joiner.segments] }
    }

    private let output: SongOutput
    private let model: String
    /// By the stream of a level's first segment; nil once the song has ended.
    private let growths = Mutex<[StreamID: Growth]?>([:])

    init(output: SongOutput, model: String) {
        self.output = output
        self.model = model
    }

    /// The loop: a segment is complete. One that is known already is dropped.
    ///
    /// - Parameters:
    ///   - codes: all of its tokens.
    ///   - plan: the sample's, with its cuts.
    /// - Returns: whether a job must be queued.
    func add(_ codes: [UInt16], of stream: StreamID, plan: Plan) -> Bool {
        growths.withLock { growths in
            guard growths != nil else { return false }
            let first = stream.firstSegment
            var growth =
                growths?.removeValue(forKey: first)
                ?? Growth(joiner: SeamJoiner(level: stream.level, sample: stream.sample, plan: plan), plan: plan)
            defer { growths?[first] = growth }
            growth.plan = plan
            if stream.segment >= growth.joiner.segments { growth.waiting[stream.segment] = codes }
            guard !growth.isQueued, growth.next != nil else { return false }
            growth.isQueued = true
            return true
        }
    }

    /// Audio samples of a level that can be heard; 0 until the first seam is found.
    func audibleSamples(of first: StreamID) -> Int { growths.withLock { $0?[first]?.samples ?? 0 } }

    /// The level, joined; nil as long as segments are missing.
    func joined(_ first: StreamID) -> JoinedLevel? {
        growths.withLock { $0?[first].flatMap { $0.joiner.isComplete ? $0.joiner.joined : nil } }
    }

    /// How many segments are joined.
    func joinedSegments(_ first: StreamID) -> Int { growths.withLock { $0?[first]?.joiner.segments ?? 0 } }

    /// The song has ended.
    func close() { growths.withLock { $0 = nil } }

    /// The thread that decodes: joins the segment whose turn it is, and decodes what is decided by it.
    ///
    /// - Returns: whether there is another.
    func joinNext(of first: StreamID, registry: ModelRegistry, team: ThreadTeam) throws -> Bool {
        guard var growth = growths.withLock({ $0?[first] }), let segment = growth.next else {
            growths.withLock { $0?[first]?.isQueued = false }
            return false
        }
        let vqvae = try registry.vqvae(named: model)
        growth.joiner.append(segment, plan: growth.plan, vqvae: vqvae, team: team)
        let audible = growth.decoded..<growth.joiner.audibleSegments
        if !audible.isEmpty, !output.hasAudio(level: first.level, sample: first.sample) {
            growth.samples = try output.grow(
                growth.joiner.joined, segments: audible, after: growth.samples, sample: first.sample, vqvae: vqvae,
                team: team)
        }
        growth.decoded = audible.upperBound
        return growths.withLock { growths in
            // The loop may have added segments meanwhile; nobody else changes the rest.
            guard var known = growths?.removeValue(forKey: first) else { return false }
            known.waiting[known.joiner.segments] = nil
            (known.joiner, known.decoded, known.samples) = (growth.joiner, growth.decoded, growth.samples)
            known.isQueued = known.next != nil
            growths?[first] = known
            return known.isQueued
        }
    }
}

extension StreamID {
    /// The first segment of the same level.
    var firstSegment: StreamID { StreamID(song: song, sample: sample, level: level) }
}
