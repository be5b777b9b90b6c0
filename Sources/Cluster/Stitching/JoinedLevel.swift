package import Checkpoint
package import JukeboxModel
package import SongPlan
package import Tensor

/// One level of one sample, put together from its segments: the codes, and how their audio is joined.
///
/// Audio is always made from what is kept in the song's folder, so decoding again gives the same bytes.
package struct JoinedLevel: Sendable {
    package let level: Int
    /// The consistent sequence: each segment's tokens from its splice to the next one.
    package let codes: [UInt16]
    package let joins: [SeamJoin]
    /// By join, the right segment's tokens before the splice, and the left one's from it on: `margin` of each.
    package let before: [[UInt16]]
    package let after: [[UInt16]]

    /// Of what a song's folder keeps.
    package init(level: Int, codes: [UInt16], joins: [SeamJoin], before: [[UInt16]], after: [[UInt16]]) {
        self.level = level
        self.codes = codes
        self.joins = joins
        self.before = before
        self.after = after
    }

    /// Of what a song's files keep of one sample: `codes.safetensors` and the joins of `song.json`.
    ///
    /// - Throws: `JoinError` when the codes and the joins are not of one song.
    package init(level: Int, codes: [UInt16], joins: [SeamJoin], margins: CodesFile.Margins, sample: Int) throws {
        let joins = joins.filter { $0.level == level && $0.sample == sample }.sorted { $0.seam < $1.seam }
        let count = joins.reduce(0) { $0 + $1.margin }
        guard let before = margins.before[safe: sample], let after = margins.after[safe: sample],
            before.count == count, after.count == count, joins.allSatisfy({ 0...codes.count ~= $0.token })
        else { throw JoinError(description: "the codes do not hold what the joins of level \(level) need") }
        func parts(_ tokens: [Int]) -> [[UInt16]] {
            var rest = tokens[...]
            return joins.map { join in
                defer { rest = rest.dropFirst(join.margin) }
                return rest.prefix(join.margin).map { UInt16(clamping: $0) }
            }
        }
        self.init(level: level, codes: codes, joins: joins, before: parts(before), after: parts(after))
    }

    /// Searches the splices.
    ///
    /// - Parameters:
    ///   - segments: all tokens of each, as codes.
    ///   - plan: the sample's, with its cuts.
    package init(
        level: Int, sample: Int, segments: [[UInt16]], plan: Plan, vqvae: VQVAE, team: ThreadTeam
    ) {
        var joiner = SeamJoiner(level: level, sample: sample, plan: plan)
        for segment in segments { joiner.append(segment, plan: plan, vqvae: vqvae, team: team) }
        self = joiner.joined
    }

    /// Decodes all of it, or some of its segments with the crossfades before them, in pieces of bounded memory.
    ///
    /// - Parameter write: receives consecutive runs of samples.
    package func decode(
        segments: Range<Int>? = nil, vqvae: VQVAE, unit: Int, team: ThreadTeam,
        write: (UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        let total = codes.count * unit
        let piece = vqvae.pieceLength(level: level) * unit
        let segments = segments ?? 0..<joins.count + 1
        var left = segments.lowerBound > 0 ? Rendition(self, segments.lowerBound - 1, unit: unit, vqvae: vqvae) : nil
        for segment in segments {
            let right = Rendition(self, segment, unit: unit, vqvae: vqvae)
            let join = segment > 0 ? joins[segment - 1] : nil
            var begin = 0
            if let join, let left {
                begin = join.position - join.fade / 2
                try crossfade(left, right, join, team, write)
                begin += join.fade
            }
            let end = segment < joins.count ? joins[segment].position - joins[segment].fade / 2 : total
            for start in stride(from: begin, to: end, by: piece) {
                try right.audio(start..<min(end, start + piece), team: team).withUnsafeBufferPointer(write)
            }
            left = right
        }
    }

    private func crossfade(
        _ left: Rendition, _ right: Rendition, _ join: SeamJoin, _ team: ThreadTeam,
        _ write: (UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        let range = join.position - join.fade / 2..<join.position - join.fade / 2 + join.fade
        guard !range.isEmpty else { return }
        let (a, b) = (left.audio(range, team: team), right.audio(range, team: team))
        let mixed = a.indices.map { place in
            let gains = join.gains((Double(place) + 0.5) / Double(join.fade))
            return gains.left * a[place] + gains.right * b[place]
        }
        try mixed.withUnsafeBufferPointer(write)
    }
}

/// A segment as it is played: its tokens with what is kept on both sides, and its shift.
private struct Rendition {
    private let tokens: [UInt16]
    /// Place of the first of them in the level.
    private let start: Int
    private let shift: Int
    private let unit: Int
    private let level: Int
    private let vqvae: VQVAE

    init(_ joined: JoinedLevel, _ segment: Int, unit: Int, vqvae: VQVAE) {
        let left = segment > 0 ? joined.joins[segment - 1] : nil
        let right = segment < joined.joins.count ? joined.joins[segment] : nil
        let kept = joined.codes[(left?.token ?? 0)..<(right?.token ?? joined.codes.count)]
        tokens = (left == nil ? [] : joined.before[segment - 1]) + kept + (right == nil ? [] : joined.after[segment])
        start = (left?.token ?? 0) - (left?.margin ?? 0)
        shift = left?.shift ?? 0
        level = joined.level
        self.unit = unit
        self.vqvae = vqvae
    }

    /// - Parameter range: samples of the song.
    /// - Returns: what the segment sounds like there; silence beyond its end.
    func audio(_ range: Range<Int>, team: ThreadTeam) -> [Float] {
        guard !range.isEmpty else { return [] }
        let own = range.lowerBound + shift - start * unit..<range.upperBound + shift - start * unit
        let low = min(max(0, own.lowerBound / unit), tokens.count)
        let high = min(max(low, (own.upperBound + unit - 1) / unit), tokens.count)
        var audio = [Float](repeating: 0, count: range.count)
        guard high > low else { return audio }
        let buffer = vqvae.decode(tokens, range: low..<high, level: level, team: team)
        for place in audio.indices {
            let sample = own.lowerBound + place - low * unit
            if sample >= 0, sample < (high - low) * unit { audio[place] = buffer.pointer[sample] }
        }
        return audio
    }
}

/// Codes from which the segments of a level cannot be joined.
package struct JoinError: Error, CustomStringConvertible {
    package var description: String
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
