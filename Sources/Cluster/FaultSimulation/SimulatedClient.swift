import CoordinatorCore
import SongPlan

/// Clients: they hand songs in, ask again until somebody has them, resume what is parked or cancelled, and look whether they
/// get what they asked for.
struct SimulatedClient {
    private struct Song {
        var submission: Submission
        var isFinished = false
        /// Cancelled until then.
        var resumeAt: Double?
    }

    private var scenario: Scenario
    private var songs: [Song] = []
    /// Whether more songs are handed in.
    private var isSubmitting = true
    private static let (open, most) = (2, 40)

    init(_ scenario: Scenario) { self.scenario = scenario }

    var count: Int { songs.count }
    private(set) var now = 0.0

    /// Whether all songs are there, and no more will come.
    var isDone: Bool { !isSubmitting && !songs.isEmpty && songs.allSatisfy(\.isFinished) }

    mutating func stopSubmitting() { isSubmitting = false }

    mutating func act(_ cluster: SimulatedCluster) throws {
        now = cluster.clock.seconds
        if isSubmitting || songs.isEmpty, songs.count < Self.most, songs.count(where: { !$0.isFinished }) < Self.open {
            let submission = scenario.nextSong()
            try cluster.checks.tokens.add(submission)
            songs.append(Song(submission: submission))
        }
        guard let coordinator = cluster.coordinator, !cluster.isCoordinatorStopped else { return }
        for place in songs.indices where !songs[place].isFinished { try follow(place, coordinator, cluster) }
    }

    private mutating func follow(
        _ place: Int, _ coordinator: SimulatedCoordinator, _ cluster: SimulatedCluster
    ) throws {
        let id = songs[place].submission.song
        guard let state = coordinator.core.state(of: id) else {
            return coordinator.ask(.submit(songs[place].submission))
        }
        switch state {
        case .preparing, .sampling, .decoding: break
        case .parked: coordinator.ask(.resume(id))
        case .cancelled: if songs[place].resumeAt.map({ $0 <= now }) ?? true { coordinator.ask(.resume(id)) }
        case .failed(let reason): throw Violation(.liveness, "song \(id) failed: \(reason)")
        case .finished:
            guard let streams = cluster.finished[id] else { throw Violation(.tokens, "song \(id) has no outputs") }
            try cluster.checks.tokens.finished(id, streams)
            songs[place].isFinished = true
        }
    }

    /// A client cancels the song that it handed in last, and resumes it later.
    ///
    /// - Returns: false when there is none that runs.
    mutating func cancel(_ cluster: SimulatedCluster, for seconds: Double) -> Bool {
        guard let coordinator = cluster.coordinator, !cluster.isCoordinatorStopped,
            let place = songs.lastIndex(where: { !$0.isFinished }),
            coordinator.core.state(of: songs[place].submission.song).map({ !$0.isAtRest }) ?? false
        else { return false }
        songs[place].resumeAt = cluster.clock.seconds + seconds
        coordinator.ask(.cancel(songs[place].submission.song))
        return true
    }

    /// What to say of songs that did not end.
    func stuck(_ coordinator: SimulatedCoordinator?, _ workers: [SimulatedWorker]) -> Violation {
        let states = songs.filter { !$0.isFinished }.map { song in
            let id = song.submission.song
            guard let status = coordinator?.core.status(of: id) else { return "\(id) is nowhere" }
            return "\(id) is \(status.state), \(status.sampledTokens) of \(status.wantedTokens) tokens, "
                + "\(status.running) leases"
        }
        let hands = workers.map { "\($0.name)\($0.isRunning ? "" : " (dead)") has \($0.count)" }
        let aside = coordinator?.core.setAsides.map { "\($0.machine) is set aside: \($0.reason)" } ?? []
        return Violation(
            .liveness,
            "\(Int(SimulatedCluster.patience)) s after the last fault: "
                + (states + hands + aside).joined(separator: "; "))
    }
}
