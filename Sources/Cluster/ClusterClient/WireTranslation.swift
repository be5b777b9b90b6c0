import ClusterProtocol

extension ClusterStatus {
    /// - Throws: `ClientError` for what only a newer release knows.
    init(_ wire: WireStatus) throws {
        self.init(
            songs: try wire.songs.map(SongProgress.init), workers: wire.workers.map(ConnectedWorker.init),
            refusals: wire.refusals.map {
                RefusedPeer(
                    key: $0.key, address: $0.address, name: $0.name, reason: $0.reason,
                    secondsAgo: $0.secondsAgo.seconds,
                    count: $0.count)
            },
            setAsides: wire.setAside.map {
                SetAsideMachine(
                    machine: $0.machine, name: $0.name, reason: $0.reason, secondsSince: $0.sinceSeconds.seconds,
                    secondsLeft: $0.secondsLeft > 0 ? $0.secondsLeft.seconds : nil)
            }, troubles: wire.troubles, uptimeSeconds: wire.uptimeSeconds.seconds)
    }
}

extension SongProgress {
    /// - Throws: `ClientError` for a state that only a newer release knows.
    init(_ wire: WireSongStatus) throws {
        guard let state = State(wire.songState) ?? State(rawValue: wire.state) else {
            throw ClientError(
                "song \(wire.song) is \(wire.state.isEmpty ? "in a state" : wire.state) that this program does not know; "
                    + "install the same release of orchestrion on both machines")
        }
        self.init(
            song: wire.song, model: wire.model, state: state, reason: wire.reason, priority: Int(wire.priority),
            samples: Int(wire.samples), segments: Int(wire.segments), levels: wire.levels.map(Level.init),
            running: Int(wire.running), sampledTokens: Int(clamping: wire.sampledTokens),
            wantedTokens: Int(clamping: wire.wantedTokens), tokensPerSecond: wire.tokensPerSecond.seconds,
            secondsLeft: wire.secondsLeft.seconds, stageShare: min(1, wire.stageShare.seconds),
            stageSecondsLeft: wire.stageSecondsLeft.seconds, ageSeconds: wire.ageSeconds.seconds,
            waiting: wire.waiting)
    }
}

extension SongProgress.State {
    /// nil for what a coordinator of before says in words only, or only a newer release knows.
    fileprivate init?(_ wire: WireSongState) {
        switch wire {
        case .preparing: self = .preparing
        case .sampling: self = .sampling
        case .decoding: self = .decoding
        case .finished: self = .finished
        case .parked: self = .parked
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension SongProgress.Level {
    fileprivate init(_ wire: WireLevelStatus) {
        self.init(
            level: Int(wire.level), tokens: Int(clamping: wire.tokens), total: Int(clamping: wire.total),
            windowsDone: Int(wire.windowsDone), windows: Int(wire.windows), audibleSeconds: wire.audibleSeconds.seconds)
    }
}

extension ConnectedWorker {
    fileprivate init(_ wire: WireWorkerStatus) {
        self.init(
            worker: wire.worker, name: wire.name, levels: wire.levels.map(Int.init), slots: Int(wire.slots),
            busy: Int(wire.busy), tokensPerSecond: wire.tokensPerSecond.seconds,
            silentSeconds: wire.silentSeconds.seconds, machine: wire.machine)
    }
}

extension Double {
    /// A time or a speed: what is none, or cannot be, is 0.
    fileprivate var seconds: Double { isFinite ? min(max(0, self), 1e12) : 0 }
}

extension SongFileEntry {
    init(_ wire: WireFileEntry) { self.init(path: wire.path, size: wire.size) }
}
