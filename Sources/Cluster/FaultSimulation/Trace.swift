import CoordinatorCore
import SongPlan

/// What happened in a simulation: a number that two runs of one seed share, and lines for who wants to read them.
final class Trace {
    private let clock: VirtualClock
    private let print: ((String) -> Void)?
    /// Of all that was noted, in its order.
    private(set) var digest: UInt64 = 0

    init(_ clock: VirtualClock, print: ((String) -> Void)?) { (self.clock, self.print) = (clock, print) }

    private func mix(_ value: UInt64) { digest = Mixing.add(value, to: digest) }

    /// What is told to people. Its words are not compared: some are the system's.
    func log(_ text: String) {
        mix(UInt64(bitPattern: clock.now.nanoseconds))
        line(text)
    }

    private func line(_ text: @autoclosure () -> String) {
        guard let print else { return }
        let millis = clock.now.nanoseconds / 1_000_000
        let fraction = String(millis % 1000)
        print("\(millis / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)  \(text())")
    }

    func packet(_ packet: Packet, _ what: String) {
        mix(UInt64(bitPattern: clock.now.nanoseconds))
        mix(UInt64(packet.link) << 32 | UInt64(packet.payload.count) << 1 | (packet.way == .toWorker ? 1 : 0))
        if what.isEmpty { return }
        line("w\(packet.link + 1) \(packet.way == .toWorker ? "<-" : "->") \(packet.payload.count) bytes\(what)")
    }

    /// An effect that is carried out.
    func note(_ effect: Effect) {
        switch effect {
        case .journal(let record): note(record)
        case .send(_, let message): note(message)
        case .chooseCut(_, let sample, let seam): mix(UInt64(sample) << 32 | UInt64(seam) << 8 | 3)
        case .streamCompleted(let stream): mix(UInt64(stream.level) << 32 | UInt64(stream.segment) << 8 | 4)
        case .songSampled: mix(5)
        case .songEnded: mix(6)
        case .tokensWithdrawn: mix(7)
        case .songResumed: mix(8)
        case .submitAccepted: mix(9)
        case .submitRefused: mix(10)
        case .defect: mix(11)
        }
        line("\(effect.short)")
    }

    private func note(_ task: TaskID, _ epoch: Epoch, _ kind: UInt64) {
        mix(Mixing.of(task.song))
        mix(UInt64(task.sample) << 48 | UInt64(task.level) << 40 | UInt64(task.segment) << 24 | UInt64(task.window))
        mix(epoch << 8 | kind)
    }

    private func note(_ record: Record) {
        switch record {
        case .tokens(let stream, let start, let tokens, _):
            note(TaskID(stream: stream, window: 0), UInt64(start), 20)
            for token in tokens { mix(UInt64(token)) }
        case .claimed(let task, let epoch, _, _, let tokens):
            note(task, epoch, 21)
            for token in tokens { mix(UInt64(token)) }
        case .leaseGranted(let task, let epoch, let worker):
            note(task, epoch, 22)
            mix(Mixing.of(worker))
        case .leaseEnded(let task, let epoch, let worker, _):
            note(task, epoch, 23)
            mix(Mixing.of(worker))
        case .workerBlamed(let task, _, _, _): note(task, 0, 24)
        case .checkBegun(let task): note(task, 0, 25)
        case .checkEnded(let task): note(task, 0, 26)
        case .tokensDropped(let stream, let start): note(TaskID(stream: stream, window: 0), UInt64(start), 27)
        case .songSubmitted, .cut, .songState, .songResumed, .songNoted, .songRemoved, .machine, .cutDropped, .verdict,
            .verdictLifted:
            mix(28)
            mix(Mixing.of(record.song))
        }
    }

    private func note(_ message: Outgoing) {
        switch message {
        case .welcome: mix(40)
        case .refused: mix(41)
        case .helloWanted: mix(42)
        case .assignment(let assignment): note(assignment.task, assignment.epoch, 43)
        case .prefill(let assignment): note(assignment.task, 0, 44)
        case .announce(let assignment): note(assignment.task, 0, 47)
        case .acknowledged(let task, let epoch, let count):
            note(task, epoch, 45)
            mix(UInt64(count))
        case .revoke(let task, let epoch, _): note(task, epoch, 46)
        case .drain: mix(47)
        }
    }
}

extension Effect {
    /// In a line.
    fileprivate var short: String {
        switch self {
        case .journal(.tokens(let stream, let start, let tokens, let origin)):
            "journal: \(TaskID(stream: stream, window: -1)) \(start)..<\(start + tokens.count)\(origin == .known ? ", known" : "") \(tokens)"
        case .journal(.claimed(let task, let epoch, let worker, let start, let tokens)):
            "journal: \(task) (epoch \(epoch)) claimed by \(worker): \(start)..<\(start + tokens.count) \(tokens)"
        case .journal(.songSubmitted(let submission)): "journal: song \(submission.song) submitted"
        case .journal(let record): "journal: \(record)"
        case .send(let peer, let message): "to w\(peer.bytes.first ?? 0): \(message.short)"
        case .chooseCut, .streamCompleted, .songSampled, .songEnded, .tokensWithdrawn, .songResumed, .submitAccepted,
            .submitRefused, .defect:
            "\(self)"
        }
    }
}

extension Outgoing {
    fileprivate var short: String {
        switch self {
        case .welcome: "welcome"
        case .refused(let reason): "refused: \(reason)"
        case .helloWanted: "hello wanted"
        case .assignment(let assignment):
            "assignment \(assignment.task) (epoch \(assignment.epoch)), \(assignment.tokens.count) tokens"
        case .prefill(let assignment): "prefill \(assignment.task), \(assignment.tokens.count) tokens"
        case .announce(let assignment): "announce \(assignment.task)"
        case .acknowledged(let task, let epoch, let count): "acknowledged \(task) (epoch \(epoch)): \(count)"
        case .revoke(let task, let epoch, let reason): "revoke \(task) (epoch \(epoch)): \(reason)"
        case .drain(let isDrained): "drain \(isDrained)"
        }
    }
}
