import JukeboxModel
import SongFiles
import SongPlan
import Stitching
import Synchronization
import Tensor

/// Joins and decodes levels in segments while segments are completed, from the song's beginning on, so that they are
/// heard seam by seam before the song is finished.
///
/// The loop adds complete segments, in any order; the studio's thread joins those whose turn it is.
final class GrowingJoins: Sendable {
    private struct Growth {
        var output: SongOutput
        var model: String
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

    /// By the stream of a level's first segment.
    private let growths = Mutex<[StreamID: Growth]>([:])

    /// The loop: a segment is complete. One that is known already is dropped.
    ///
    /// - Parameters:
    ///   - codes: all of its tokens.
    ///   - plan: the sample's, with its cuts.
    /// - Returns: whether a job must be queued.
    func add(
        _ stream: StreamID, _ codes: [UInt16], plan: Plan, output: @autoclosure () -> (SongOutput, model: String)?
    ) -> Bool {
        growths.withLock { growths in
            let first = stream.firstSegment
            if growths[first] == nil {
                guard let (output, model) = output() else { return false }
                growths[first] = Growth(
                    output: output, model: model,
                    joiner: SeamJoiner(level: stream.level, sample: stream.sample, plan: plan), plan: plan)
            }
            guard var growth = growths.removeValue(forKey: first) else { return false }
            defer { growths[first] = growth }
            growth.plan = plan
            if stream.segment >= growth.joiner.segments { growth.waiting[stream.segment] = codes }
            guard !growth.isQueued, growth.next != nil else { return false }
            growth.isQueued = true
            return true
        }
    }

    /// Audio samples of a level that can be heard; 0 until the first seam is found.
    func audibleSamples(of first: StreamID) -> Int { growths.withLock { $0[first]?.samples ?? 0 } }

    /// The level, joined; nil as long as segments are missing.
    func joined(_ first: StreamID) -> JoinedLevel? {
        growths.withLock { $0[first].flatMap { $0.joiner.isComplete ? $0.joiner.joined : nil } }
    }

    /// How many segments are joined.
    func joinedSegments(_ first: StreamID) -> Int { growths.withLock { $0[first]?.joiner.segments ?? 0 } }

    /// The song has ended.
    func forget(_ song: SongID) { growths.withLock { $0 = $0.filter { $0.key.song != song } } }

    /// The studio: joins the segment whose turn it is, and decodes what is decided by it.
    ///
    /// - Returns: whether there is another.
    func grow(_ first: StreamID, shelf: ModelShelf, team: ThreadTeam) throws -> Bool {
        guard var growth = growths.withLock({ $0[first] }), let segment = growth.next else {
            growths.withLock { $0[first]?.isQueued = false }
            return false
        }
        let vqvae = try shelf.vqvae(of: shelf.model(growth.model))
        growth.joiner.append(segment, plan: growth.plan, vqvae: vqvae, team: team)
        let audible = growth.decoded..<growth.joiner.audibleSegments
        if !audible.isEmpty, !growth.output.hasAudio(level: first.level, sample: first.sample) {
            growth.samples = try growth.output.grow(
                growth.joiner.joined, segments: audible, after: growth.samples, sample: first.sample, vqvae: vqvae,
                team: team)
        }
        growth.decoded = audible.upperBound
        return growths.withLock { growths in
            // The loop may have added segments meanwhile; nobody else changes the rest.
            guard var known = growths.removeValue(forKey: first) else { return false }
            known.waiting[known.joiner.segments] = nil
            (known.joiner, known.decoded, known.samples) = (growth.joiner, growth.decoded, growth.samples)
            known.isQueued = known.next != nil
            growths[first] = known
            return known.isQueued
        }
    }
}

extension StreamID {
    /// The first segment of the same level.
    var firstSegment: StreamID { StreamID(song: song, sample: sample, level: level) }
}
