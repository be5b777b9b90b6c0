import ClusterProtocol
import SongPlan

extension ClientError.Kind {
    init(_ wire: WireErrorKind) {
        self =
            switch wire {
            case .unspecified, .UNRECOGNIZED: .other
            case .notFound: .notFound
            case .conflict: .conflict
            case .busy: .busy
            case .forbidden: .forbidden
            case .unavailable: .unavailable
            }
    }
}

extension ClusterStatus {
    /// - Throws: `ClientError` for what only a newer release knows.
    init(_ wire: WireStatus) throws {
        self.init(
            songs: try wire.songs.map(SongProgress.init), workers: wire.workers.map(ConnectedWorker.init),
            refusals: wire.refusals.map {
                RefusedPeer(
                    key: PeerText.shown($0.key), address: PeerText.shown($0.address), name: PeerText.shown($0.name),
                    reason: PeerText.lines($0.reason), secondsAgo: $0.secondsAgo.peerAmount, count: $0.count)
            },
            setAsides: wire.setAside.map {
                SetAsideMachine(
                    machine: PeerText.shown($0.machine), name: PeerText.shown($0.name),
                    reason: PeerText.lines($0.reason), secondsSince: $0.sinceSeconds.peerAmount,
                    secondsLeft: $0.secondsLeft > 0 ? $0.secondsLeft.peerAmount : nil)
            }, troubles: wire.troubles.map { PeerText.lines($0) }, uptimeSeconds: wire.uptimeSeconds.peerAmount)
        if wire.hasCopy {
            copy = Copy(
                place: PeerText.lines(wire.copy.place), behindSeconds: wire.copy.behindSeconds.peerAmount,
                pendingBytes: wire.copy.pendingBytes, problem: PeerText.lines(wire.copy.problem))
        }
        if wire.connectionLimit > 0 {
            connections = Connections(
                open: Int(wire.connections), limit: Int(wire.connectionLimit), turnedAway: wire.turnedAway)
        }
    }
}

extension SongProgress {
    /// - Throws: `ClientError` for a state that only a newer release knows.
    init(_ wire: WireSongStatus) throws {
        guard let state = State(wire.songState) ?? State(rawValue: wire.state) else {
            throw ClientError(
                "song \(PeerText.songID(wire.song)) is \(wire.state.isEmpty ? "in a state" : PeerText.shown(wire.state)) that this program does not know; "
                    + "install the same release of orchestrion on both machines")
        }
        self.init(
            song: PeerText.songID(wire.song), model: PeerText.shown(wire.model), state: state,
            reason: PeerText.lines(wire.reason), priority: Int(wire.priority),
            samples: Int(wire.samples), segments: Int(wire.segments), levels: wire.levels.map(Level.init),
            running: Int(wire.running), sampledTokens: Int(clamping: wire.sampledTokens),
            wantedTokens: Int(clamping: wire.wantedTokens), tokensPerSecond: wire.tokensPerSecond.peerAmount,
            secondsLeft: wire.secondsLeft.peerAmount, stageShare: min(1, wire.stageShare.peerAmount),
            stageSecondsLeft: wire.stageSecondsLeft.peerAmount, ageSeconds: wire.ageSeconds.peerAmount,
            waiting: PeerText.lines(wire.waiting))
        note = SongNote(
            name: PeerText.lines(wire.name, limit: SongNote.longestName),
            note: wire.note.prefix(SongNote.longestNote).split(separator: "\n", omittingEmptySubsequences: false)
                .map { PeerText.lines(String($0), limit: SongNote.longestNote) }.joined(separator: "\n"),
            isStarred: wire.starred, isHidden: wire.hidden)
        seconds = wire.seconds.peerAmount
        labels = wire.labels.map { names in
            func name(_ text: String) -> String? { text.isEmpty ? nil : PeerText.shown(text, limit: 200) }
            return Labels(artist: name(names.artist), genre: name(names.genre))
        }
        if wire.hasParent { parent = Parent(wire.parent) }
    }
}

extension SongProgress.Parent {
    fileprivate init(_ wire: WireParent) {
        self.init(
            operation: PeerText.shown(wire.operation), song: wire.isHere ? PeerText.songID(wire.song) : nil,
            samples: wire.samples.map(Int.init), fromSeconds: wire.fromSeconds.peerAmount,
            toSeconds: wire.toSeconds.peerAmount)
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
            windowsDone: Int(wire.windowsDone), windows: Int(wire.windows),
            audibleSeconds: wire.audibleSeconds.peerAmount)
    }
}

extension ConnectedWorker {
    fileprivate init(_ wire: WireWorkerStatus) {
        self.init(
            worker: PeerText.shown(wire.worker), name: PeerText.shown(wire.name), levels: wire.levels.map(Int.init),
            slots: Int(wire.slots),
            busy: Int(wire.busy), tokensPerSecond: wire.tokensPerSecond.peerAmount,
            silentSeconds: wire.silentSeconds.peerAmount, machine: PeerText.shown(wire.machine),
            levelSpeeds: Dictionary(
                wire.speeds.map { (Int($0.level), $0.tokensPerSecond.peerAmount) }, uniquingKeysWith: { $1 }),
            device: PeerText.shown(wire.device, limit: 100), residentLevels: wire.residentLevels.map(Int.init),
            isLeaving: wire.leaving, isDrained: wire.drained)
    }
}

extension SongFileEntry {
    init(_ wire: WireFileEntry) { self.init(path: wire.path, size: wire.size) }
}
