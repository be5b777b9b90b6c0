import SongPlan

/// The next window of a stream, which the worker that has the one before was told.
struct AnnouncedWindow: Sendable, Hashable {
    let task: TaskID
    let worker: WorkerID
}

/// Announcing. Most windows begin where the one before has ended, on the same worker, which has all that they depend on
/// but the lease. Their worker is told beforehand, begins at once, and keeps what it samples until the lease comes: so no
/// chain waits a round trip for each window. Nothing of this is journaled, and a lease may go elsewhere all the same.
enum Announcements {
    /// Streams that have more tokens or another lease.
    @Sendable static func moves(_ view: ClusterView) -> [Move] { view.grown.compactMap { move(view, $0) } }

    private static func move(_ view: ClusterView, _ stream: StreamRef) -> Move? {
        let song = view.truth[stream.song]
        guard song.state == .sampling, let lease = song[stream].holders.sole, !view.leases[lease].isProvisional,
            song[stream].blames.isEmpty, view.memory.ahead[stream] == nil,
            let worker = view.pool[lease.worker], worker.isUsable, worker.description.takesAnnouncements,
            let next = song.nextWindow(stream), !next.prime.isEmpty,
            next.above.map({ song.hasAbove(stream, $0) }) ?? true
        else { return nil }
        let window = AnnouncedWindow(
            task: TaskID(stream: lease.task.stream, window: next.index), worker: lease.worker)
        guard view.memory.announced[stream] != window else { return nil }
        return .announce(stream, window.task, to: window.worker)
    }
}

extension ClusterView {
    /// A worker that begins sooner is not worth losing what the one has done that was told; a faster one is.
    private static let longer = 1.25

    /// The worker that was told of a task, if it has a slot and is not much slower than the best.
    func announcedWorker(_ entry: ReadyTask, _ skill: Skill) -> WorkerID? {
        guard let window = memory.announced[entry.stream], window.task == entry.task,
            let best = pool.best(for: skill), best != window.worker,
            pool.best(for: skill, blamed: [], where: { $0 == window.worker }) != nil,
            let here = pool.speedOfNextSlot(window.worker, skill.level),
            let there = pool.speedOfNextSlot(best, skill.level), Self.longer * here >= there
        else { return nil }
        return window.worker
    }
}
