package import SongPlan

/// What a coordinator says of its songs and workers.
package struct ClusterStatus: Sendable, Hashable {
    /// In the order of their submissions.
    package var songs: [SongProgress]
    package var workers: [ConnectedWorker]
    /// Who was not let in, or not used; the newest first.
    package var refusals: [RefusedPeer]
    /// Machines that get no windows just now.
    package var setAsides: [SetAsideMachine]
    /// What holds the coordinator up, or soon will.
    package var troubles: [String]
    /// Of the coordinator.
    package var uptimeSeconds: Double
    /// Over TCP, how many there are, how many there may be, and how many were hung up on for that; nil where a coordinator
    /// does not say.
    package var connections: Connections?

    /// Of the state; nil where none is kept, or the coordinator does not say.
    package var copy: Copy?

    /// A copy of a coordinator's state elsewhere.
    package struct Copy: Sendable, Hashable, Encodable {
        package var place: String
        /// Seconds of its past that are not in the copy.
        package var behindSeconds: Double
        /// Bytes of files that are not in it yet.
        package var pendingBytes: UInt64
        /// Why it cannot be kept just now; empty when it can.
        package var problem: String
    }

    package struct Connections: Sendable, Hashable {
        package var open: Int
        package var limit: Int
        package var turnedAway: UInt64
    }

    /// What is no trouble, and worth knowing.
    package var notes: [String] {
        let machines = Set(workers.map(\.machine))
        guard machines.count == 1, machines != [""] else { return [] }
        return ["only one machine samples, so no window can be compared with another machine's"]
    }

    /// Takes in what else there is of it.
    mutating func append(_ page: ClusterStatus) {
        let (songs, workers) = (Set(songs.map(\.song)), Set(workers.map(\.worker)))
        self.songs += page.songs.filter { !songs.contains($0.song) }
        self.workers += page.workers.filter { !workers.contains($0.worker) }
    }

    package init(
        songs: [SongProgress] = [], workers: [ConnectedWorker] = [], refusals: [RefusedPeer] = [],
        setAsides: [SetAsideMachine] = [], troubles: [String] = [], uptimeSeconds: Double = 0
    ) {
        self.setAsides = setAsides
        self.songs = songs
        self.workers = workers
        self.refusals = refusals
        self.troubles = troubles
        self.uptimeSeconds = uptimeSeconds
    }
}

/// How far a song is.
package struct SongProgress: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Its recording is encoded.
        case preparing
        case sampling
        /// All tokens exist; its files are written.
        case decoding
        case finished
        /// It goes on when somebody resumes it.
        case parked
        case failed, cancelled

        /// Whether nothing more will happen to the song.
        package var isEnded: Bool {
            switch self {
            case .preparing, .sampling, .decoding, .parked: false
            case .finished, .failed, .cancelled: true
            }
        }
    }

    package struct Level: Sendable, Hashable {
        package var level: Int
        /// That exist, over all samples, and of all there will be.
        package var tokens: Int
        package var total: Int
        package var windowsDone: Int
        package var windows: Int
        /// Seconds of the song that can be heard already, of the sample that has the least.
        package var audibleSeconds: Double
    }

    package var song: String
    /// A model's name.
    package var model: String
    package var state: State
    /// Why it failed or is parked; of a finished one, what people should know of its files and tokens; else empty.
    package var reason: String
    package var priority: Int
    package var samples: Int
    /// Of each level below the top; more than one is approximate.
    package var segments: Int
    package var levels: [Level]
    /// Windows that workers have now.
    package var running: Int
    package var sampledTokens: Int
    package var wantedTokens: Int
    package var tokensPerSecond: Double
    package var secondsLeft: Double
    /// While preparing or decoding: the share that is done, and seconds left; 0 when that is not known.
    package var stageShare: Double
    package var stageSecondsLeft: Double
    /// Seconds since it was submitted; 0 when the coordinator does not say.
    package var ageSeconds: Double
    /// What holds it up that is no fault of the song, and when that is tried again; empty when nothing does.
    package var waiting: String
    /// What its user calls it and keeps beside it.
    package var note = SongNote()
    /// Of the whole song; 0 when the coordinator does not say.
    package var seconds = 0.0
    /// Of its first samples.
    package var labels: [Labels] = []
    /// Of a branch.
    package var parent: Parent?

    package struct Labels: Sendable, Hashable {
        package var artist: String?
        package var genre: String?
    }

    /// What a branch keeps of another song.
    package struct Parent: Sendable, Hashable {
        package var operation: String
        /// The other's id; nil when this coordinator has it no more.
        package var song: String?
        /// Of the other, by their places.
        package var samples: [Int]
        package var fromSeconds: Double
        package var toSeconds: Double
    }

    /// Of the tokens that are sampled, 0 to 1.
    package var share: Double { wantedTokens == 0 ? 1 : min(1, Double(sampledTokens) / Double(wantedTokens)) }
}

/// Somebody whom a coordinator did not let in, or did not use. What is not known is empty.
package struct RefusedPeer: Sendable, Hashable {
    package var key: String
    package var address: String
    /// Of a worker.
    package var name: String
    package var reason: String
    /// Since the last time.
    package var secondsAgo: Double
    package var count: UInt64
}

/// A worker that is there.
package struct ConnectedWorker: Sendable, Hashable {
    package var worker: String
    /// For people: host and process.
    package var name: String
    package var levels: [Int]
    package var slots: Int
    /// Slots that have a window.
    package var busy: Int
    package var tokensPerSecond: Double
    /// Since it was heard last.
    package var silentSeconds: Double
    /// The durable name of its machine; empty when the coordinator does not say.
    package var machine: String = ""
    /// By level, tokens a second as measured.
    package var levelSpeeds: [Int: Double] = [:]
    /// What it computes on, for people; empty where nobody says.
    package var device = ""
    /// Levels whose weights are in its memory.
    package var residentLevels: [Int] = []
    /// It gets no windows: it is about to leave.
    package var isLeaving = false
    /// It gets no windows: somebody drained it.
    package var isDrained = false

    /// Why it gets no windows; nil when it does.
    package var outWord: String? { isLeaving ? "leaving" : isDrained ? "drained" : nil }
}

/// A machine that gets no windows for a while.
package struct SetAsideMachine: Sendable, Hashable {
    package var machine: String
    /// Of one of its workers.
    package var name: String
    package var reason: String
    package var secondsSince: Double
    /// Until it is tried again; nil when somebody must release it.
    package var secondsLeft: Double?
}
