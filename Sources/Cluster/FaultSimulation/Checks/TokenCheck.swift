import CoordinatorCore
import SongPlan

/// Tokens are those that one machine would have sampled without a fault.
struct TokenCheck {
    private var songs: [SongID: (submission: Submission, reference: ReferenceSong)] = [:]
    /// Whether a machine says wrong tokens: until it is found, they are taken.
    let hasLiar: Bool
    /// Windows that are compared, and songs with one that was not: where no other machine was there, a lie counts.
    private var compared: Set<TaskID> = []
    private var uncompared: Set<SongID> = []

    init(hasLiar: Bool) { self.hasLiar = hasLiar }

    mutating func add(_ submission: Submission) throws {
        songs[submission.song] = (submission, try ReferenceSong(submission))
    }

    /// Records are durable.
    mutating func note(_ records: [Record]) {
        guard hasLiar else { return }
        for record in records {
            if case .checkBegun(let task) = record { compared.insert(task) }
            if case .checkEnded(let task) = record { uncompared.insert(task.song) }
            if case .leaseGranted(let task, _, _) = record, !compared.contains(task) { uncompared.insert(task.song) }
        }
    }

    /// All tokens of a stream exist.
    func completed(_ stream: StreamID, _ tokens: [UInt16]) throws(Violation) {
        if !hasLiar { try compare(stream, tokens, isWhole: true, "are complete") }
    }

    /// A worker is to go on from these.
    func assigned(_ assignment: Assignment) throws(Violation) {
        guard !hasLiar, let plan = songs[assignment.task.song]?.submission else { return }
        let stream = assignment.task.stream
        guard stream.segment == 0 || plan.planInputs.segmentation == nil,
            let wanted = songs[stream.song]?.reference.tokens[stream]
        else { return }
        let range = assignment.window.lowerBound..<assignment.window.lowerBound + assignment.tokens.count
        guard range.upperBound <= wanted.count, Array(wanted[range]) == assignment.tokens else {
            throw Violation(.tokens, "\(assignment.task) is handed out with other tokens than there should be")
        }
    }

    /// A song's outputs are written.
    func finished(_ song: SongID, _ streams: [StreamID: [UInt16]]) throws(Violation) {
        guard let reference = songs[song]?.reference else {
            throw Violation(.tokens, "song \(song) is finished, and nobody submitted it")
        }
        try Violation.unless(
            Set(streams.keys) == Set(reference.tokens.keys), .tokens, "song \(song) is finished without all its streams"
        )
        guard !uncompared.contains(song) else { return }
        for (stream, tokens) in streams.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            try compare(stream, tokens, isWhole: true, "are in its outputs")
        }
    }

    private func compare(_ stream: StreamID, _ tokens: [UInt16], isWhole: Bool, _ what: String) throws(Violation) {
        let wanted = songs[stream.song]?.reference.tokens[stream] ?? []
        guard tokens != wanted else { return }
        let place = zip(tokens, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        throw Violation(
            .tokens,
            "the tokens of \(stream) that \(what) are wrong from \(place ?? min(tokens.count, wanted.count)) on "
                + "(\(tokens.count) of \(wanted.count))")
    }
}
