import CoordinatorCore
import JukeboxModel
import SongPlan

/// A song as one machine would sample it without a fault: level by level, window by window.
struct ReferenceSong {
    private let submission: Submission
    /// By stream.
    private(set) var tokens: [StreamID: [UInt16]] = [:]

    /// - Throws: `GeometryError`.
    init(_ submission: Submission) throws {
        self.submission = submission
        for sample in 0..<submission.samples { try add(sample) }
    }

    private mutating func add(_ sample: Int) throws {
        var plan = try submission.planInputs.plan()
        for level in plan.levels.indices.reversed() {
            for segment in plan.levels[level].segments.indices { addSegment(sample, level, segment, plan) }
            guard level == plan.geometry.top else { continue }
            let top = tokens[stream(sample, level, 0)] ?? []
            for seam in plan.cuts.indices { plan.move(cut: seam, to: Self.cut(seam, of: plan, top)) }
        }
    }

    /// Where a cut lies: the choice depends on the tokens that are heard, and on nothing else.
    static func cut(_ seam: Int, of plan: Plan, _ top: [UInt16]) -> Int {
        let room = plan.room(ofCut: seam)
        let hash = top[plan.heard(forCut: seam)].reduce(UInt64(seam)) { Mixing.add(UInt64($1), to: $0) }
        return room.lowerBound + Int(hash % UInt64(room.count))
    }

    /// What a song starts from.
    static func known(_ submission: Submission) -> [[[UInt16]]] {
        (0..<submission.samples).map { sample in
            submission.planInputs.known.enumerated().map { level, count in
                (0..<count).map { position in
                    let place = UInt64(sample) << 40 | UInt64(level) << 32 | UInt64(position)
                    return UInt16(Mixing.add(place, to: submission.seed) % UInt64(HashModel.codes))
                }
            }
        }
    }

    private func stream(_ sample: Int, _ level: Int, _ segment: Int) -> StreamID {
        StreamID(song: submission.song, sample: sample, level: level, segment: segment)
    }

    private mutating func addSegment(_ sample: Int, _ level: Int, _ segment: Int, _ plan: Plan) {
        let part = plan.levels[level].segments[segment]
        let shape = plan.geometry.levels[level]
        var own = segment == 0 ? Self.known(submission)[sample][level] : []
        let labels = submission.labels[sample][level]
        for window in part.windows {
            let above = window.above.map { $0.map { upper(sample, level + 1, at: $0, plan) } } ?? []
            var hash = WindowHash(
                seed: submission.seed, sample: submission.numbers?[sample] ?? sample, level: level,
                filter: submission.filters[level],
                labels: labels.map { HashModel.labellers[level].vector($0, start: window.range.lowerBound) } ?? [],
                above: above, start: window.range.lowerBound)
            for position in window.prime { hash.append(own[position - part.range.lowerBound]) }
            for position in window.new {
                let token = hash.token(at: position)
                own.append(token)
                hash.append(token)
            }
        }
        precondition(shape.vocabulary == shape.codes, "the stand-in for a model samples codes alone")
        tokens[stream(sample, level, segment)] = own
    }

    /// A token of a level, of the segment on whose side of its cuts it lies.
    private func upper(_ sample: Int, _ level: Int, at position: Int, _ plan: Plan) -> UInt16 {
        let ratio = plan.geometry.lengthUnit / plan.geometry.levels[level].samplesPerToken
        let segment = plan.isCut(level) ? plan.cuts.count { $0 * ratio <= position } : 0
        let start = plan.levels[level].segments[segment].range.lowerBound
        return (tokens[stream(sample, level, segment)] ?? [])[position - start]
    }
}
