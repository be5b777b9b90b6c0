import ClusterMetrics
package import ClusterProtocol
package import CoordinatorCore
import SongPlan

/// What arrived of workers, for who has no clients.
package enum WorkerMessage {
    case event(Event)
    /// It was changed on its way.
    case damaged
    /// Of a client, of another version, or none of this protocol.
    case other

    package init(_ message: ReceivedMessage) {
        switch Incoming(message) {
        case .event(let event), .heartbeat(let event, _): self = .event(event)
        case .damaged: self = .damaged
        case .request, .foreignRequest, .foreignWorker, .notOfThisProtocol: self = .other
        }
    }
}

/// What arrived, as the loop deals with it.
enum Incoming {
    /// A client's; nil when it is empty, or of a newer release.
    case request(ClientRequest?, number: UInt64)
    /// Of a client that speaks another version.
    case foreignRequest(number: UInt64, reason: String)
    /// Of a worker that speaks another version.
    case foreignWorker(name: String, reason: String)
    case event(Event)
    /// A worker's heartbeat, with what its engine counted.
    case heartbeat(Event, WorkerFigures)
    /// It was changed on its way.
    case damaged
    case notOfThisProtocol

    /// What a peer must be to send it; nil where that cannot be told.
    var role: PeerRoles? {
        switch self {
        case .request, .foreignRequest: .client
        case .event, .heartbeat, .foreignWorker, .damaged: .worker
        case .notOfThisProtocol: nil
        }
    }

    init(_ message: ReceivedMessage) {
        guard let kind = try? WireToCoordinator(payload: message.payload).kind else {
            self = .notOfThisProtocol
            return
        }
        switch kind {
        case .request(let request):
            self =
                ProtocolVersion.refusal(of: request.version).map { .foreignRequest(number: request.number, reason: $0) }
                ?? .request(ClientRequest(request), number: request.number)
            return
        case .hello(let hello):
            if let reason = ProtocolVersion.refusal(of: hello.version) {
                self = .foreignWorker(name: PeerText.shown(hello.name), reason: reason)
                return
            }
        case .died(let death):
            if ProtocolVersion.refusal(of: death.version) != nil {
                self = .notOfThisProtocol
                return
            }
        case .heartbeat, .chunk, .failed, .goodbye: break
        }
        let event = kind.event(peer: Peer(message.connection.bytes), provenKey: message.peerKey)
        if let event, case .heartbeat(let heartbeat) = kind, heartbeat.hasFigures {
            self = .heartbeat(event, WorkerFigures(heartbeat.figures))
        } else {
            self = event.map { .event($0) } ?? .damaged
        }
    }
}

extension Outgoing {
    package func payload() throws -> [UInt8] { try WireFromCoordinator(kind: wire).payload() }

    /// The message for the wire.
    var wire: WireFromCoordinator.OneOf_Kind {
        switch self {
        case .welcome(let heartbeat, let lease):
            var message = WireWelcome()
            message.version = ProtocolVersion.current
            message.heartbeatMilliseconds = UInt32(heartbeat / .milliseconds(1))
            message.leaseMilliseconds = UInt32(lease / .milliseconds(1))
            return .welcome(message)
        case .refused(let reason):
            var message = WireRefused()
            message.reason = reason
            return .refused(message)
        case .helloWanted: return .helloWanted(WireHelloWanted())
        case .assignment(let assignment): return .assignment(assignment.wire)
        case .prefill(let assignment): return .prefill(assignment.wire)
        case .announce(let assignment):
            var message = assignment.wire
            message.announced = true
            return .prefill(message)
        case .acknowledged(let task, let epoch, let count):
            var message = WireChunkAcknowledged()
            message.task = WireTask(task)
            message.epoch = epoch
            message.acknowledged = UInt32(count)
            return .acknowledged(message)
        case .revoke(let task, let epoch, let reason):
            var message = WireRevoke()
            message.task = WireTask(task)
            message.epoch = epoch
            message.reason = reason
            return .revoke(message)
        case .drain(let isDrained):
            var message = WireDrain()
            message.on = isDrained
            return .drain(message)
        }
    }
}

extension Assignment {
    var wire: WireAssignment {
        var message = WireAssignment()
        message.task = WireTask(task)
        message.epoch = epoch
        message.fingerprint = fingerprint
        message.seed = seed
        message.number = UInt32(number)
        message.start = UInt32(window.lowerBound)
        message.end = UInt32(window.upperBound)
        message.tokens = tokens.map(UInt32.init)
        message.prime = UInt32(prime)
        message.above = above.map(UInt32.init)
        if let labels { message.labels = WireLabels(labels) }
        message.temperature = filter.temperature
        message.topK = UInt32(filter.topK)
        message.topP = filter.topP
        message.path = UInt32(clamping: path)
        return message
    }
}

extension PeerText {
    /// What a peer names, so that nobody names what is another key's.
    static func owned(_ text: String, by provenKey: String?) -> String {
        shown((provenKey.map { "\($0)/" } ?? "") + text)
    }
}

extension DeathReport {
    private static let mostWindows = 256

    init(_ wire: WireWorkerDeath, provenKey: String?) {
        let ending: Ending =
            wire.signal != 0
            ? .signal(Int(wire.signal))
            : wire.hungSeconds != 0 ? .hung(seconds: Int(wire.hungSeconds)) : .exit(code: Int(wire.exitCode))
        let worker = PeerText.owned(wire.worker, by: provenKey)
        let machine = wire.machine.isEmpty ? provenKey : PeerText.owned(wire.machine, by: provenKey)
        self.init(
            worker: worker, machine: machine ?? worker, name: PeerText.shown(wire.name), ending: ending,
            windows: wire.windows.prefix(Self.mostWindows).map { Window(task: $0.task.taskID, epoch: $0.epoch) },
            wasAlone: wire.alone)
    }
}

extension WireLease {
    var held: HeldLease { HeldLease(task: task.shown, epoch: epoch, acknowledged: Int(acknowledged)) }
}

extension WireToCoordinator.OneOf_Kind {
    /// Levels that a worker may say it serves, and windows that it may say it has.
    private static let (mostLevels, mostHeld) = (16, 1024)

    /// The core's event; nil for what is not the core's business, and for chunks that were changed on the way.
    func event(peer: Peer, provenKey: String?) -> Event? {
        switch self {
        case .hello(let hello):
            return .workerHello(
                peer,
                WorkerDescription(
                    id: PeerText.owned(hello.worker, by: provenKey),
                    name: PeerText.shown(hello.name), model: PeerText.shown(hello.model),
                    fingerprints: Dictionary(
                        hello.fingerprints.sorted { $0.key < $1.key }.prefix(Self.mostLevels).map {
                            (Int($0), PeerText.shown($1))
                        }, uniquingKeysWith: { first, _ in first }),
                    slots: min(Int(hello.slots), 256), tokensPerSecond: hello.tokensPerSecond.peerSpeed,
                    held: hello.held.prefix(Self.mostHeld).map(\.held),
                    machine: hello.machine.isEmpty ? provenKey : PeerText.owned(hello.machine, by: provenKey),
                    takesAnnouncements: hello.takesAnnouncements, isLeaving: hello.leaving, isDrained: hello.drained))
        case .died(let death): return .workerDied(peer, DeathReport(death, provenKey: provenKey))
        case .heartbeat(let heartbeat):
            return .heartbeat(
                peer, held: heartbeat.held.prefix(Self.mostHeld).map(\.held),
                tokensPerSecond: heartbeat.tokensPerSecond.peerSpeed,
                levelSpeeds: Dictionary(
                    heartbeat.levelSpeeds.sorted { $0.key < $1.key }.prefix(Self.mostLevels).map {
                        (Int($0), $1.peerSpeed)
                    }, uniquingKeysWith: { first, _ in first }),
                roundTrip: heartbeat.roundTrip.peerAmount, isLeaving: heartbeat.leaving)
        case .chunk(let chunk):
            guard chunk.hash == chunk.expectedHash, chunk.tokens.allSatisfy({ $0 <= UInt16.max }) else { return nil }
            return .chunk(
                peer,
                Chunk(
                    task: chunk.task.shown, epoch: chunk.epoch, start: Int(chunk.start),
                    tokens: chunk.tokens.map(UInt16.init)))
        case .failed(let failed):
            return .taskFailed(
                peer, failed.task.shown, failed.epoch,
                reason: PeerText.shown(failed.reason, limit: PeerText.longestReason))
        case .goodbye: return .goodbye(peer)
        case .request: return nil
        }
    }
}

extension WireTask {
    /// With an id that can be one, or be shown.
    fileprivate var shown: TaskID {
        var task = taskID
        task.stream.song = PeerText.songID(task.stream.song)
        return task
    }
}
