package import JukeboxModel
package import SongPlan
package import Tensor

/// Joins the segments of one level of one sample from the song's beginning on, each as soon as it is complete: where the
/// next splice lies depends on the one before, not on what comes after.
package struct SeamJoiner: Sendable {
    package let level: Int
    package let sample: Int
    /// The sample's, with the cuts of all segments up to the last one appended; later ones may not be chosen yet.
    private var plan: Plan
    private var codes: [UInt16] = []
    private var joins: [SeamJoin] = []
    private var before: [[UInt16]] = []
    private var after: [[UInt16]] = []
    /// The segment that was appended last, whose end is not in `codes` yet.
    private var last: [UInt16] = []
    package private(set) var segments = 0

    package init(level: Int, sample: Int, plan: Plan) {
        (self.level, self.sample, self.plan) = (level, sample, plan)
    }

    package var isComplete: Bool { segments == ranges.count }

    /// Up to the last splice that was found; the whole level once `isComplete`.
    package var joined: JoinedLevel {
        JoinedLevel(level: level, codes: codes, joins: joins, before: before, after: after)
    }

    /// Segments of `joined` that can be decoded: those whose end is decided.
    package var audibleSegments: Int { isComplete ? segments : max(0, segments - 1) }

    /// Milliseconds of a crossfade, of what is compared for it, and of the largest shift.
    private static let (fade, window, shift) = (15, 30, 4)

    private var ranges: [Range<Int>] { plan.levels[level].segments.map(\.range) }
    private var unit: Int { plan.geometry.levels[level].samplesPerToken }

    private func samples(_ milliseconds: Int) -> Int { plan.geometry.sampleRate * milliseconds / 1000 }

    /// Takes the next segment, all its tokens as codes, and searches the splice with the one before.
    ///
    /// - Parameter plan: as it is now, with the cuts on both sides of the segment.
    package mutating func append(_ segment: [UInt16], plan: Plan, vqvae: VQVAE, team: ThreadTeam) {
        precondition(!isComplete, "level \(level) has \(ranges.count) segments")
        self.plan = plan
        if segments > 0 {
            let seam = segments - 1
            let join = splice(seam, left: last, right: segment, vqvae, team)
            let (left, right) = (join.token - ranges[seam].lowerBound, join.token - ranges[seam + 1].lowerBound)
            before.append(Array(segment[right - join.margin..<right]))
            after.append(Array(last[left..<left + join.margin]))
            codes += last[begin(of: seam)..<left]
            joins.append(join)
        }
        last = segment
        segments += 1
        if isComplete {
            codes += last[begin(of: segments - 1)...]
            last = []
        }
    }

    /// Where a segment's tokens begin in the codes, counted from its own first.
    private func begin(of segment: Int) -> Int {
        segment == 0 ? 0 : joins[segment - 1].token - ranges[segment].lowerBound
    }

    private func splice(
        _ seam: Int, left: [UInt16], right: [UInt16], _ vqvae: VQVAE, _ team: ThreadTeam
    ) -> SeamJoin {
        let overlap = plan.overlap(ofCut: seam, level: level)
        let wanted = (samples(Self.fade) / 2 + samples(Self.shift)) / unit + 2 + vqvae.reach(level: level)
        let margin = min(wanted, max(0, overlap.count - 1) / 2)
        var join = SeamJoin(
            level: level, sample: sample, seam: seam, token: overlap.lowerBound + overlap.count / 2, position: 0,
            fade: 0, shift: 0, correlation: 0, margin: margin)
        join.position = join.token * unit
        guard overlap.count >= 4 else { return join }
        join.fade = min(samples(Self.fade), margin * unit)
        func audio(_ segment: Int, _ tokens: [UInt16]) -> [Float] {
            let local = overlap.lowerBound - ranges[segment].lowerBound
            let buffer = vqvae.decode(tokens, range: local..<local + overlap.count, level: level, team: team)
            return Array(UnsafeBufferPointer(start: buffer.pointer, count: overlap.count * unit))
        }
        let found = SpliceSearch(window: min(samples(Self.window), margin * unit), reach: samples(Self.shift))
            .find(
                left: audio(seam, left), right: audio(seam + 1, right), leftShift: joins.last?.shift ?? 0,
                places: margin * unit..<(overlap.count - margin) * unit)
        join.position = overlap.lowerBound * unit + found.position
        join.token = join.position / unit
        (join.shift, join.correlation) = (found.shift, found.correlation)
        return join
    }
}
