/// What can be done to a cluster.
package enum FaultKind: String, Sendable, Hashable, CaseIterable, Codable {
    case killWorker = "kill-worker"
    case killEngine = "kill-engine"
    case killCoordinator = "kill-coordinator"
    case killAll = "kill-all"
    case stopWorker = "stop-worker"
    case stopCoordinator = "stop-coordinator"
    case partition
    case oneWay = "one-way"
    case reset
    case cut
    case slowLink = "slow-link"
    case corrupt
    case diskFull = "disk-full"
    case fileLimit = "file-limit"
    case straggler
    case lie
    case crashWindow = "crash-window"
    case crashingMachine = "crashing-machine"

    /// Whether it is there from the start to the end, rather than at moments of the schedule.
    package var isStanding: Bool {
        switch self {
        case .straggler, .lie, .crashWindow, .crashingMachine: true
        case .killWorker, .killEngine, .killCoordinator, .killAll, .stopWorker, .stopCoordinator, .partition, .oneWay,
            .reset, .cut, .slowLink, .corrupt, .diskFull, .fileLimit:
            false
        }
    }

    /// Whether it happens to the connection of a worker.
    package var isOfNetwork: Bool { Self.network.contains(self) }

    /// Whether one worker is its victim.
    package var isOfWorker: Bool {
        isOfNetwork || self == .killWorker || self == .killEngine || self == .stopWorker
    }

    private static let network: Set<FaultKind> = [.partition, .oneWay, .reset, .cut, .slowLink, .corrupt]

    /// How long it lasts, in leases; nil where its length does not depend on them.
    var leases: ClosedRange<Double>? {
        switch self {
        case .stopWorker, .stopCoordinator: 2...10
        case .partition, .oneWay: 1.5...4
        case .slowLink, .corrupt: 1...3
        case .killWorker, .killEngine, .killCoordinator, .killAll, .reset, .cut, .diskFull, .fileLimit, .straggler,
            .lie, .crashWindow, .crashingMachine:
            nil
        }
    }

    /// For help.
    package var summary: String {
        switch self {
        case .killWorker: "a worker is killed (SIGKILL) and started again"
        case .killEngine: "a worker's engine is killed; its supervisor starts it again"
        case .killCoordinator: "the coordinator is killed and started again on the same state"
        case .killAll: "all workers are killed at once"
        case .stopWorker: "a worker is stopped (SIGSTOP) for 2 to 10 leases"
        case .stopCoordinator: "the coordinator is stopped for 2 to 10 leases"
        case .partition: "nothing passes between a worker and the coordinator for 1.5 to 4 leases"
        case .oneWay: "the same in one direction"
        case .reset: "a worker's connection is reset"
        case .cut: "a worker's connection ends in the middle of a message"
        case .slowLink: "a worker's connection is slow and late"
        case .corrupt: "bytes of a worker's connection are flipped"
        case .diskFull: "the disk of the coordinator's state is full for 1 to 3 s"
        case .fileLimit: "no file of the coordinator may grow for 1 to 3 s (ulimit -f)"
        case .straggler: "one worker runs only a tenth of the time, to the end"
        case .lie: "one worker gives wrong tokens; needs --verify-share"
        case .crashWindow: "one window crashes every engine, until its song is parked and resumed"
        case .crashingMachine: "one more worker crashes whatever window it gets"
        }
    }
}
