import SongPlan

/// Towards the end of all songs fast slots go to the longest chains of all, and slow ones have those only until then.
extension ClusterView {
    /// Whether a free slot is about as fast as the fast ones: it goes to the critical path, whoever else has that.
    func hasFastIdle(_ skill: Skill) -> Bool {
        guard let fast = outlook.fast[skill.level] else { return false }
        return (speedOfBestIdle(skill) ?? 0) > 0.8 * fast
    }

    func speedOfBestIdle(_ skill: Skill) -> Double? {
        pool.best(for: skill).flatMap { pool.speedOfNextSlot($0, skill.level) }
    }

    /// Whether a window's chain would end after everything else if a slow worker had the window: it goes first for fast
    /// ones, whichever song's turn it is.
    func isUrgent(_ entry: ReadyTask) -> Bool {
        guard let horizon = outlook.horizon, let fast = outlook.fast[entry.task.level],
            let slow = outlook.slow[entry.task.level],
            let end = chainEnd(entry.stream, from: now, speed: slow, fast: fast)
        else { return false }
        return end > horizon.end
    }

    /// Whether a window had better wait for a fast worker, all of which are busy: on this one its chain would end after
    /// everything else, and sooner on the next fast one that no other window waits for.
    ///
    /// - Parameter kept: how many windows wait so already.
    func isBetterKept(_ stream: StreamRef, from id: WorkerID, beside kept: Int) -> Bool {
        let level = truth[stream.song].level(stream)
        guard let horizon = outlook.horizon, kept < horizon.free.count, let worker = pool[id],
            let fast = outlook.fast[level], let own = speedOfNextSlot(worker, level), own < Horizon.fast * fast,
            let here = chainEnd(stream, from: now, speed: own, fast: fast), here > horizon.end,
            let there = chainEnd(stream, from: max(now, horizon.free[kept]), speed: fast, fast: fast)
        else { return false }
        return there < here
    }
}
