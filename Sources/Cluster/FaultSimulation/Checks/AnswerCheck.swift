import CoordinatorCore
import SongPlan

/// What a worker is told is true, and it is told enough: acknowledged tokens are journaled, epochs are new, tokens come from
/// leases that run, and a chunk that brings nothing new is answered all the same.
struct AnswerCheck {
    private struct Grant: Hashable {
        var task: TaskID
        var worker: WorkerID
    }

    /// By stream, the place up to which tokens are journaled.
    private var ends: [StreamID: Int] = [:]
    /// By epoch, the place up to which what it claims is.
    private var claims: [Epoch: Int] = [:]
    /// By epoch, the place of the first token of its window, and what was acknowledged of it.
    private var firsts: [Epoch: Int] = [:]
    private var acknowledged: [Epoch: Int] = [:]
    private var grants: [Epoch: Grant] = [:]
    /// Leases that ended, and with them the right to bring tokens.
    private var ended: Set<Epoch> = []
    private var last: Epoch = 0

    /// Records are durable.
    mutating func add(_ records: [Record]) throws(Violation) {
        for record in records { try add(record) }
    }

    private mutating func add(_ record: Record) throws(Violation) {
        switch record {
        case .tokens(let stream, let start, let tokens, let origin):
            ends[stream] = start + tokens.count
            if case .sampled(let task, let epoch, let worker) = origin, claims[epoch] == nil {
                try checkLease(epoch, task, worker)
            }
        case .claimed(let task, let epoch, let worker, let start, let tokens):
            try checkLease(epoch, task, worker)
            claims[epoch] = start + tokens.count
        case .leaseEnded(_, let epoch, _, _): ended.insert(epoch)
        case .tokensDropped(let stream, let start): ends[stream] = min(start, ends[stream] ?? start)
        case .leaseGranted(let task, let epoch, let worker):
            let grant = Grant(task: task, worker: worker)
            try Violation.unless(
                epoch > last, .epochs, "\(task) gets the epoch \(epoch), and \(last) was given before")
            (grants[epoch], last) = (grant, epoch)
        case .songRemoved(let song): ends = ends.filter { $0.key.song != song }
        case .songSubmitted, .workerBlamed, .cut, .songState, .machine, .checkBegun, .checkEnded,
            .cutDropped, .verdict, .verdictLifted, .songResumed, .songNoted:
            break
        }
    }

    private func checkLease(_ epoch: Epoch, _ task: TaskID, _ worker: WorkerID) throws(Violation) {
        try Violation.unless(
            grants[epoch] == Grant(task: task, worker: worker), .epochs,
            "\(worker) brings tokens of \(task) with the epoch \(epoch), which it was not given for that")
        try Violation.unless(
            !ended.contains(epoch), .epochs,
            "\(worker) brings tokens of \(task) with the epoch \(epoch), which has ended")
    }

    /// The journal was opened again.
    ///
    /// - Parameter isDamaged: records were lost with bits of the disk, and with them what was told.
    mutating func opened(_ records: [Record], isDamaged: Bool) throws(Violation) {
        // What was granted and told to nobody may be given again.
        let told = isDamaged ? [] : firsts.keys.sorted()
        (ends, claims, grants, ended, last) = ([:], [:], [:], [], 0)
        if isDamaged { (firsts, acknowledged) = ([:], [:]) }
        try restore(records)
        last = max(last, told.last ?? 0)
    }

    /// Some of what leases were may be forgotten, so nothing is checked.
    private mutating func restore(_ records: [Record]) throws(Violation) {
        for record in records {
            switch record {
            case .leaseGranted(let task, let epoch, let worker):
                grants[epoch] = Grant(task: task, worker: worker)
                last = max(last, epoch)
            case .tokens(let stream, let start, let tokens, _): ends[stream] = start + tokens.count
            case .claimed(_, let epoch, _, let start, let tokens): claims[epoch] = start + tokens.count
            case .leaseEnded, .tokensDropped, .songRemoved, .songSubmitted, .workerBlamed, .cut, .songState, .machine,
                .checkBegun, .checkEnded, .cutDropped, .verdict, .verdictLifted, .songResumed, .songNoted:
                try add(record)
            }
        }
    }

    /// A worker is told something.
    mutating func sends(_ message: Outgoing) throws(Violation) {
        switch message {
        case .assignment(let assignment):
            try Violation.unless(
                grants[assignment.epoch]?.task == assignment.task, .epochs,
                "\(assignment.task) is handed out with the epoch \(assignment.epoch), which is not journaled for it")
            firsts[assignment.epoch] = assignment.window.lowerBound + assignment.prime
        case .acknowledged(let task, let epoch, let count):
            guard count > 0 else { return }
            acknowledged[epoch] = max(acknowledged[epoch] ?? 0, count)
            guard let first = firsts[epoch] else { return }
            let have = max(ends[task.stream] ?? 0, claims[epoch] ?? 0)
            try Violation.unless(
                first + count <= have, .answers,
                "\(count) tokens of \(task) are acknowledged, from \(first) on; up to \(have) they are journaled")
        case .welcome, .refused, .helloWanted, .prefill, .announce, .revoke, .drain: break
        }
    }

    /// A chunk came, and this is what was made of it.
    func answered(_ chunk: Chunk, from peer: Peer, by effects: [Effect]) throws(Violation) {
        guard chunk.start <= acknowledged[chunk.epoch] ?? -1 else { return }
        let isAnswered = effects.contains { effect in
            guard case .send(peer, let message) = effect else { return false }
            return switch message {
            case .acknowledged(chunk.task, chunk.epoch, _), .revoke(chunk.task, chunk.epoch, _), .helloWanted: true
            case .acknowledged, .revoke, .welcome, .refused, .assignment, .prefill, .announce, .drain: false
            }
        }
        try Violation.unless(
            isAnswered, .answers,
            "a chunk of \(chunk.task) (epoch \(chunk.epoch)) from \(chunk.start) on is not answered, though "
                + "\(acknowledged[chunk.epoch] ?? 0) tokens of it were acknowledged")
    }
}
