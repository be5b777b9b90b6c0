/// What a run with faults came to. Its JSON has these names with underscores.
package struct ChaosReport: Sendable, Codable {
    /// A fault that was done.
    package struct Fault: Sendable, Codable {
        package var number: Int
        package var kind: FaultKind
        /// The worker, `coordinator`, `all workers` or `disk`.
        package var victim: String
        /// Seconds from the start.
        package var at: Double
        /// Seconds that it lasted.
        package var seconds: Double
        /// What was seen of its effect; nil when nothing was.
        package var seen: String?
        /// Seconds until the victim's windows were given out again; nil when none was taken from it.
        package var reassignedSeconds: Double?
        /// Seconds from its end to the next new token; nil when the song ended before.
        package var recoverySeconds: Double?

        package init(number: Int, kind: FaultKind, victim: String, at: Double, seconds: Double = 0) {
            (self.number, self.kind, self.victim, self.at, self.seconds) = (number, kind, victim, at, seconds)
        }
    }

    /// All faults of a kind.
    package struct Kind: Sendable, Codable {
        package var kind: FaultKind
        package var fired: Int
        /// Of which an effect was seen.
        package var seen: Int
        package var longestReassignedSeconds: Double?
        package var longestRecoverySeconds: Double?
    }

    package struct Song: Sendable, Codable {
        package var song: String
        package var state: String
        package var reason: String
        /// Whether its codes are those of the undisturbed song, byte by byte; nil when there are none.
        package var identical: Bool?
        package var seconds: Double
        /// Whether it was parked, and resumed.
        package var wasParked: Bool

        package init(
            song: String, state: String, reason: String = "", identical: Bool? = nil, seconds: Double,
            wasParked: Bool = false
        ) {
            (self.song, self.state, self.reason, self.identical) = (song, state, reason, identical)
            (self.seconds, self.wasParked) = (seconds, wasParked)
        }
    }

    package struct LeftOut: Sendable, Codable {
        package var kind: FaultKind
        package var why: String

        package init(kind: FaultKind, why: String) { (self.kind, self.why) = (kind, why) }
    }

    package struct Tokens: Sendable, Codable {
        /// That the finished songs have.
        package var wanted = 0
        /// That engines drew for them, by their own counters.
        package var drawn = 0
        /// Drawn more than once.
        package var twice: Int { max(0, drawn - wanted) }
        package var twiceShare: Double { wanted > 0 ? Double(twice) / Double(wanted) : 0 }
    }

    package struct Makespan: Sendable, Codable {
        package var undisturbedSeconds: Double
        package var disturbedSeconds: Double
        package var addedShare: Double { disturbedSeconds / undisturbedSeconds - 1 }
    }

    /// A worker with a standing fault of its machine.
    package struct SetAside: Sendable, Codable {
        package var machine: String
        package var reason: String
        /// Seconds from the start.
        package var at: Double
        /// Chunks of 128 tokens that its engine had drawn until then.
        package var chunks: Int
    }

    package var seed: UInt64
    package var workers: Int
    package var leaseSeconds: Double
    package var network: String
    package var seconds = 0.0
    package var faults: [Fault] = []
    package var leftOut: [LeftOut] = []
    package var songs: [Song] = []
    package var tokens = Tokens()
    package var longestPauseSeconds = 0.0
    package var makespan: Makespan?
    package var setAside: [SetAside] = []
    /// Of the undisturbed song, by level.
    package var digests: [String: String] = [:]
    package var journalIsWell: Bool?
    /// What must not be, besides songs: such as a fault that stayed undetected.
    package var problems: [String] = []

    package init(seed: UInt64, workers: Int, leaseSeconds: Double, network: String) {
        (self.seed, self.workers, self.leaseSeconds, self.network) = (seed, workers, leaseSeconds, network)
    }

    package var kinds: [Kind] {
        FaultKind.allCases.compactMap { kind in
            let own = faults.filter { $0.kind == kind }
            guard !own.isEmpty else { return nil }
            return Kind(
                kind: kind, fired: own.count, seen: own.count { $0.seen != nil },
                longestReassignedSeconds: own.compactMap(\.reassignedSeconds).max(),
                longestRecoverySeconds: own.compactMap(\.recoverySeconds).max())
        }
    }

    /// Why the run counts as failed; empty when all is well.
    package var failures: [String] {
        var all = problems
        for song in songs {
            if song.state != "finished" {
                all.append("\(song.song) is \(song.state)\(song.reason.isEmpty ? "" : ": \(song.reason)")")
            } else if song.identical != true {
                all.append("the tokens of \(song.song) are not those of the undisturbed song")
            }
        }
        if songs.isEmpty { all.append("no song was sampled") }
        if journalIsWell == false { all.append("the journal is damaged") }
        return all
    }
}
