import ClusterMetrics
import ClusterProtocol
import CoordinatorCore
import SongPlan
import StateCopy

/// Songs and workers, as clients see them.
struct StatusReport {
    struct Song {
        /// Bytes in a message.
        var wireSize: Int { WireSongStatus(self).byteCount + 4 }
        var status: SongStatus
        var priority: Int
        /// Since it was submitted.
        var ageSeconds: Double
        var tokensPerSecond: Double
        var secondsLeft: Double
        /// Of encoding or decoding.
        var stage: (share: Double, secondsLeft: Double)?
        /// What holds it up; nil when nothing.
        var waiting: String?
        /// By level.
        var audibleSeconds: [Double]
        /// Of the whole song.
        var seconds: Double
        var labels: [SongSummaries.Labels]
        var parent: Parent?
        /// Of a finished one, what people should know of its files and tokens.
        var note: String?
    }
    /// What a branch keeps of another song.
    struct Parent {
        var origin: BranchOrigin
        /// Of a top-level token.
        var secondsPerToken: Double
        var isHere: Bool
    }
    struct Worker {
        /// Bytes in a message.
        var wireSize: Int { WireWorkerStatus(self).byteCount + 4 }
        var status: WorkerStatus
        var silentSeconds: Double
        /// What it says of itself.
        var figures: WorkerFigures?
    }
    struct SetAside {
        var status: SetAsideStatus
        var secondsSince: Double
        /// 0: until somebody releases it.
        var secondsLeft: Double
    }
    struct Refusal {
        var entry: RefusalTable.Entry
        var secondsAgo: Double
    }
    var songs: [Song]
    var workers: [Worker]
    /// The newest first.
    var refusals: [Refusal]
    /// Machines that get nothing just now, as many as fit.
    var setAsides: [SetAside] = []
    /// What holds the coordinator up, or soon will.
    var troubles: [String]
    var uptimeSeconds: Double
    /// nil where they cost nothing.
    var connections: ConnectionCount?
    /// How the copy of the state is; nil without one.
    var copy: StateCopier.Status?
    /// How many songs and workers there are, where not all may be shown.
    var all: (songs: Int, workers: Int)?
    /// Where the rest begins, which another request asks for.
    var next: String?
}

extension WireStatus {
    init(_ report: StatusReport) {
        self.init()
        uptimeSeconds = report.uptimeSeconds
        songs = report.songs.map(WireSongStatus.init)
        workers = report.workers.map(WireWorkerStatus.init)
        refusals = report.refusals.map(WireRefusal.init)
        next = report.next ?? ""
        if let count = report.connections {
            connections = UInt32(clamping: count.open)
            connectionLimit = UInt32(clamping: count.limit)
            turnedAway = count.turnedAway
        }
        // An older client shows who was refused, and so hears of what it is not shown.
        if let all = report.all, all.songs > songs.count || all.workers > workers.count {
            var note = WireRefusal()
            note.name = "status"
            note.reason =
                "it shows \(songs.count) of \(all.songs) songs and \(workers.count) of \(all.workers) workers: a newer "
                + "orchestrion shows all"
            note.count = 1
            refusals.insert(note, at: 0)
        }
        troubles = report.troubles.prefix(16).map { PeerText.lines($0, limit: 1000) }
        setAside = report.setAsides.map(WireSetAside.init)
        if let copy = report.copy {
            self.copy.place = String(copy.place.prefix(500))
            (self.copy.behindSeconds, self.copy.pendingBytes) = (copy.behind, copy.pendingBytes)
            self.copy.problem = String(
                (copy.problem ?? (copy.isComplete ? "" : "it is being made")).prefix(500))
        }
    }
}

extension WireSetAside {
    fileprivate init(_ aside: StatusReport.SetAside) {
        self.init()
        machine = aside.status.machine
        name = aside.status.name
        reason = String(aside.status.reason.prefix(500))
        secondsLeft = aside.secondsLeft
        sinceSeconds = aside.secondsSince
    }
}

extension WireRefusal {
    fileprivate init(_ refusal: StatusReport.Refusal) {
        self.init()
        let entry = refusal.entry
        (key, address, name, reason) = (entry.key, entry.address, entry.name, entry.reason)
        secondsAgo = refusal.secondsAgo
        count = entry.count
    }
}

extension WireWorkerStatus {
    init(_ worker: StatusReport.Worker) {
        self.init()
        self.worker = PeerText.shown(worker.status.worker, limit: 80)
        name = worker.status.name
        levels = worker.status.levels.map(UInt32.init)
        slots = UInt32(worker.status.slots)
        busy = UInt32(worker.status.busy)
        tokensPerSecond = worker.status.tokensPerSecond
        silentSeconds = worker.silentSeconds
        machine = String(worker.status.machine.prefix(200))
        (leaving, drained) = (worker.status.isLeaving, worker.status.isDrained)
        speeds = worker.status.levelSpeeds.sorted { $0.key < $1.key }.prefix(16).map {
            var speed = WireLevelSpeed()
            (speed.level, speed.tokensPerSecond) = (UInt32($0.key), $0.value)
            return speed
        }
        device = worker.figures?.device ?? ""
        residentLevels = worker.figures?.residentLevels.map(UInt32.init) ?? levels
    }
}

extension WireSongStatus {
    init(_ song: StatusReport.Song) {
        self.init()
        let status = song.status
        self.song = status.song
        model = status.model
        (songState, state, reason) = status.state.wire
        if let note = song.note { reason = String(note.prefix(1000)) }
        samples = UInt32(status.samples)
        segments = UInt32(clamping: status.segments)
        running = UInt32(clamping: status.running)
        sampledTokens = UInt64(status.sampledTokens)
        wantedTokens = UInt64(status.wantedTokens)
        tokensPerSecond = song.tokensPerSecond
        secondsLeft = song.secondsLeft
        priority = Int32(clamping: song.priority)
        ageSeconds = song.ageSeconds
        waiting = song.waiting.map { String($0.prefix(1000)) } ?? ""
        (name, note) = (status.note.name, status.note.note)
        (starred, hidden) = (status.note.isStarred, status.note.isHidden)
        seconds = song.seconds
        labels = song.labels.map { names in
            var labels = WireSampleLabels()
            (labels.artist, labels.genre) = (names.artist, names.genre)
            return labels
        }
        if let parent = song.parent { self.parent = WireParent(parent) }
        if let stage = song.stage { (stageShare, stageSecondsLeft) = stage }
        levels = zip(status.levels, song.audibleSeconds).map { level, audibleSeconds in
            var progress = WireLevelStatus()
            progress.level = UInt32(level.level)
            progress.tokens = UInt64(level.tokens)
            progress.total = UInt64(level.total)
            progress.windowsDone = UInt32(level.windowsDone)
            progress.windows = UInt32(level.windows)
            progress.audibleSeconds = audibleSeconds
            return progress
        }
    }
}

extension WireParent {
    fileprivate init(_ parent: StatusReport.Parent) {
        self.init()
        let origin = parent.origin
        (operation, song) = (origin.operation.rawValue, String((origin.song ?? "").prefix(64)))
        samples = origin.samples.prefix(256).map { UInt32(clamping: $0) }
        fromSeconds = Double(origin.from) * parent.secondsPerToken
        toSeconds = Double(origin.to) * parent.secondsPerToken
        isHere = parent.isHere
    }
}

extension SongState {
    /// For the wire; the words are for clients of before.
    fileprivate var wire: (state: WireSongState, words: String, reason: String) {
        switch self {
        case .preparing: (.preparing, "preparing", "")
        case .sampling: (.sampling, "sampling", "")
        case .decoding: (.decoding, "decoding", "")
        case .finished: (.finished, "finished", "")
        case .parked(let reason): (.parked, "parked", String(reason.prefix(2000)))
        case .failed(let reason): (.failed, "failed", String(reason.prefix(2000)))
        case .cancelled: (.cancelled, "cancelled", "")
        }
    }
}
