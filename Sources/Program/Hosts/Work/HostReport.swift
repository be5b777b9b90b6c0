/// What is known of a cluster's hosts after something was done with them.
package struct ClusterReport: Sendable, Equatable {
    package var cluster: String
    package var hosts: [HostReport]

    package var isGood: Bool { hosts.allSatisfy { $0.fault == nil } }
}

package struct HostReport: Sendable, Equatable {
    package struct Unit: Sendable, Equatable {
        package enum State: String, Sendable {
            /// A coordinator that listens, a worker that is let in.
            case works
            /// It runs, and is not let in or does not listen yet.
            case starting
            case stopped
        }
        package var name: String
        package var state: State
        /// It was started or stopped just now.
        package var isChanged = false
    }

    package var host: String
    package var isCoordinator: Bool
    package var workers: Int
    /// Nil where it was not reached.
    package var state: HostState?
    /// What the program there says.
    package var version: String?
    package var units: [Unit] = []
    /// Why it is not as it shall be.
    package var fault: String?
    /// The end of a log that says why.
    package var lastWords: [String] = []
    package var warnings: [String] = []

    init(host: String, file: ClusterFile) {
        self.host = host
        isCoordinator = host == file.coordinator.host
        workers = file.workers(on: host).count
    }
}

/// What is told meanwhile.
package enum HostEvent: Sendable {
    case note(host: String, String)
    /// Bytes that are there, of how many.
    case transfer(host: String, done: Int, total: Int)
    case transferEnd(host: String)
}
