package import SongPlan

/// How far one level of a song is, over all its samples.
package struct LevelProgress: Sendable, Hashable {
    package var level: Int
    /// Tokens that exist, known ones included.
    package var tokens: Int
    package var total: Int
    package var windowsDone: Int
    package var windows: Int
}

/// A song as people see it.
package struct SongStatus: Sendable, Hashable {
    package var song: SongID
    package var model: String
    package var state: SongState
    package var samples: Int
    package var levels: [LevelProgress]
    /// Leases that run now; a window that has a copy counts twice.
    package var running: Int
    /// Tokens that sampling has added, and those it will have added at the end.
    package var sampledTokens: Int
    package var wantedTokens: Int
    /// Seconds since 1970, as submitted.
    package var submittedAt: Double
    /// Of each level below the top; more than one is approximate.
    package var segments: Int
    package var note = SongNote()
    /// Of a branch, what it keeps of which song.
    package var parent: BranchOrigin?
}

/// A worker as people see it.
package struct WorkerStatus: Sendable, Hashable {
    package var worker: WorkerID
    package var name: String
    package var levels: [Int]
    package var slots: Int
    package var busy: Int
    package var tokensPerSecond: Double
    package var lastHeard: Instant
    /// False for one that held leases before a restart and has not come back yet.
    package var isConnected: Bool
    package var machine: MachineID
    /// By level, tokens a second as measured.
    package var levelSpeeds: [Int: Double] = [:]
    /// It gets no windows: it will say goodbye soon.
    package var isLeaving = false
    /// It gets no windows: somebody drained it.
    package var isDrained = false
}

/// A machine that gets nothing, as people see it.
package struct SetAsideStatus: Sendable, Hashable {
    package var machine: MachineID
    package var name: String
    package var reason: String
    package var since: Instant
    /// nil: until somebody releases it.
    package var until: Instant?
}

extension Song {
    /// Counts over all samples. A song that ends keeps what it had; a finished one had everything.
    func progress(in state: SongState) -> [LevelProgress] {
        if let final { return final }
        return plan.levels.map { level in
            let own = streamRefs.filter { self.level($0) == level.level }.map { self[$0] }
            let isFinished = state == .finished
            // In segments, more are sampled than the song keeps.
            let segments = plans.flatMap { $0.levels[level.level].segments }
            let total = segments.reduce(0) { $0 + $1.range.count }
            let windows = segments.reduce(0) { $0 + $1.windows.count }
            return LevelProgress(
                level: level.level, tokens: isFinished ? total : own.reduce(0) { $0 + $1.tokens.count },
                total: total, windowsDone: isFinished ? windows : own.reduce(0) { $0 + $1.window },
                windows: windows)
        }
    }

    var status: SongStatus {
        let progress = progress(in: state)
        let wanted = plans.reduce(0) { $0 + $1.newTokens }
        let missing = progress.reduce(0) { $0 + $1.total - $1.tokens }
        return SongStatus(
            song: id, model: submission.model, state: state, samples: submission.samples, levels: progress,
            running: running,
            sampledTokens: state == .preparing ? 0 : max(0, wanted - missing), wantedTokens: wanted,
            submittedAt: submission.submittedAt, segments: plan.cuts.count + 1, note: note,
            parent: submission.parent)
    }
}

extension Coordinator {
    /// All songs, in the order of their submissions.
    package var songIDs: [SongID] { truth.present.map(\.id) }

    package func status(of song: SongID) -> SongStatus? { truth.song(song)?.status }

    /// All songs, in the order of their submissions.
    package var songStatuses: [SongStatus] { truth.present.map(\.status) }

    package func state(of song: SongID) -> SongState? { truth.song(song)?.state }

    package func submission(of song: SongID) -> Submission? { truth.song(song)?.submission }

    /// With nominal cuts.
    package func plan(of song: SongID) -> Plan? { truth.song(song)?.plan }

    /// By sample, with the cuts that were decided.
    package func plans(of song: SongID) -> [Plan] { truth.song(song)?.plans ?? [] }

    /// What exists of a stream; nil when there is no such stream or its song is finished.
    package func tokens(of stream: StreamID) -> [UInt16]? {
        guard let song = truth.song(stream.song), song.state != .finished, song.contains(stream) else { return nil }
        return song[song.ref(stream)].tokens
    }

    /// Machines of which a song has tokens that no other machine compared. A finished song has let that go.
    package func unwitnessed(of song: SongID) -> [MachineID] { truth.song(song)?.unwitnessed.sorted() ?? [] }

    /// Machines that were found to give wrong tokens, and why.
    package var verdicts: [MachineID: String] { truth.verdicts }

    /// Windows that all connected workers run at the same time.
    package var slots: Int { pool.slots }

    /// Machines that get nothing just now.
    package var setAsides: [SetAsideStatus] {
        machines.setAside.map {
            SetAsideStatus(
                machine: $0.machine, name: $0.name, reason: $0.aside.reason, since: $0.aside.since,
                until: $0.aside.until)
        }
    }

    /// All workers, by name.
    package var workerStatuses: [WorkerStatus] {
        pool.sortedIDs.compactMap { pool[$0] }.map { worker in
            WorkerStatus(
                worker: worker.id, name: worker.description.name, levels: models.usedLevels(worker.description),
                slots: worker.description.slots, busy: worker.tasks.count,
                tokensPerSecond: worker.description.tokensPerSecond, lastHeard: worker.lastHeard,
                isConnected: worker.peer != nil, machine: worker.machine, levelSpeeds: worker.throughput,
                isLeaving: worker.isLeaving, isDrained: worker.isDrained)
        }
    }
}
