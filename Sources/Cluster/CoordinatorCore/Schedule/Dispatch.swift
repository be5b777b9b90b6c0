import SongPlan

/// Who gets which task next.
///
/// A free slot goes to the songs of the highest priority; among them to the one that has the least of the workers'
/// speed, the earlier one when equal; and in it to the window with the longest chain of tokens to the song's end. Towards
/// the end of all songs fast slots go to the longest chains of all, and slow ones have those only until then. Songs are
/// opened in the order of priority and submission, only as many as there are slots for, so that a long queue costs
/// no memory for tokens.
struct Dispatch {
    private let view: ClusterView
    /// Windows that wait for fast workers.
    private var kept = 0
    /// Of these, the one that would wait longest, and the slow worker that could have it until then.
    private var keptTask: Proposal?

    private struct Proposal {
        let turn: Turn
        let entry: ReadyTask
        let skill: Skill
        let worker: WorkerID
    }

    /// The next task for a free slot, or the next song to be opened; nothing when no ready task fits a free slot.
    @Sendable static func moves(_ view: ClusterView) -> [Move] {
        var search = Dispatch(view: view)
        return search.moves()
    }

    private init(view: ClusterView) { self.view = view }

    private mutating func moves() -> [Move] {
        let candidate = nextTask()
        let declined = candidate == nil ? declinedCopies() : []
        guard let waiting = view.nextWaiting else {
            // What waits for a fast worker does so on a slow one, rather than on none.
            return declined
                + (candidate.map(handOut)
                    ?? keptTask.map { [grant($0, isProvisional: true)] } ?? [])
        }
        if let candidate, !view.opens(waiting, before: candidate.turn) { return handOut(candidate) }
        return declined + [.open(waiting.song)]
    }

    /// A window that may have crashed an engine has its worker to itself.
    private func handOut(_ proposal: Proposal) -> [Move] {
        let grant = grant(proposal, isProvisional: false)
        let isBusy = !(view.pool[proposal.worker]?.tasks.isEmpty ?? true)
        return proposal.entry.isSuspect && isBusy ? [.vacate(proposal.worker), grant] : [grant]
    }

    private func grant(_ proposal: Proposal, isProvisional: Bool) -> Move {
        let (stream, worker) = (proposal.entry.stream, proposal.worker)
        let sole = proposal.entry.isCheck ? nil : view.truth[stream].holders.sole
        let former = sole.flatMap { lease in
            view.leases[lease].isProvisional || view.isOnlyCrowded(lease, stream, beside: worker) ? lease : nil
        }
        return .grant(
            proposal.entry, to: worker, isProvisional: isProvisional && !proposal.entry.isCheck, moving: former)
    }

    private mutating func nextTask() -> Proposal? {
        var best: Proposal?
        // In order, since windows that are kept for fast workers are counted.
        for skill in view.memory.ready.groups.keys.sorted() where view.pool.hasFreeSlot(skill) {
            let group = view.memory.ready.groups[skill] ?? [:]
            let turns = group.keys.map(view.turn)
            guard let first = turns.min() else { continue }
            var found = urgent(first, turns, group, skill) ?? candidate(first, group, skill)
            if found == nil, turns.count > 1 {
                for turn in turns.sorted().dropFirst() where found == nil { found = candidate(turn, group, skill) }
            }
            guard let found else { continue }
            if let other = best, (other.turn, found.entry) < (found.turn, other.entry) { continue }
            best = found
        }
        return best
    }

    /// For a fast slot, of all songs of a priority: the window with the longest chain, if that is urgent.
    private mutating func urgent(
        _ first: Turn, _ turns: [Turn], _ group: [SongRef: [ReadyTask]], _ skill: Skill
    ) -> Proposal? {
        guard view.outlook.horizon != nil, view.hasFastIdle(skill) else { return nil }
        // In order, since songs may have equal tasks.
        let firsts = turns.filter { $0.priority == first.priority }.sorted().compactMap { group[$0.song]?.last }
        guard let entry = firsts.max(), view.isUrgent(entry), let worker = worker(for: entry, skill) else { return nil }
        return Proposal(turn: first.first(), entry: entry, skill: skill, worker: worker)
    }

    /// The first task of a song that a worker can have.
    private mutating func candidate(
        _ turn: Turn, _ group: [SongRef: [ReadyTask]], _ skill: Skill
    ) -> Proposal? {
        let tasks = group[turn.song] ?? []
        let hasCopies = tasks.contains(where: \.isCopy) && mayCopy(skill)
        let isFast = hasCopies && view.hasFastIdle(skill)
        for entry in tasks.reversed() where !entry.isCopy || isFast {
            if let worker = worker(for: entry, skill) {
                return Proposal(turn: turn, entry: entry, skill: skill, worker: worker)
            }
        }
        // What would idle otherwise helps whoever is slower.
        for entry in tasks.reversed() where entry.isCopy && hasCopies && !isFast {
            if let worker = worker(for: entry, skill) {
                return Proposal(turn: turn, entry: entry, skill: skill, worker: worker)
            }
        }
        return nil
    }

    private mutating func worker(for entry: ReadyTask, _ skill: Skill) -> WorkerID? {
        let (pool, stream) = (view.pool, view.truth[entry.stream])
        if entry.isCheck {
            let excluded = view.excludedMachines(entry.stream)
            func isFit(_ id: WorkerID) -> Bool { !excluded.contains(pool.machine(of: id)) }
            return pool.best(for: skill, blamed: stream.blamed, where: isFit)
                ?? pool.best(for: skill, blamed: [], where: isFit)
        }
        if entry.isSuspect {
            // One worker at a time; best one that has nothing to give back.
            guard !entry.isCopy else { return nil }
            let idle = pool.best(for: skill, blamed: stream.blamed) { pool[$0]?.tasks.isEmpty ?? false }
            return (idle ?? pool.best(for: skill, blamed: stream.blamed)).flatMap { isDue(entry, on: $0) ? $0 : nil }
        }
        guard entry.isCopy else {
            let best =
                stream.blames.isEmpty
                ? view.announcedWorker(entry, skill) ?? pool.best(for: skill)
                : pool.best(for: skill, blamed: stream.blamed)
            guard let best, isDue(entry, on: best), view.isBetterKept(entry.stream, from: best, beside: kept) else {
                return best
            }
            kept += 1
            keptTask = Proposal(turn: view.turn(entry.stream.song), entry: entry, skill: skill, worker: best)
            return nil
        }
        guard let lease = stream.holders.leases.first, let fastest = pool.best(for: skill) else { return nil }
        let worker =
            fastest == lease.worker || !stream.blames.isEmpty
            ? pool.best(for: skill, blamed: stream.blamed, holder: lease.worker) : fastest
        return worker.flatMap { view.isCopyWorth(lease, entry.stream, on: $0) ? $0 : nil }
    }

    /// Whether a worker may have a window: where its machine had it before and it failed, not before some time has passed.
    private func isDue(_ entry: ReadyTask, on id: WorkerID) -> Bool {
        guard let item = view.memory.tries[entry.stream], view.now < item.next, let worker = view.pool[id] else {
            return true
        }
        return !view.truth[entry.stream].blamed.contains(worker.machine)
    }

    /// Whether copies were not declined since the last check on a slot as fast as the best that is free.
    private func mayCopy(_ skill: Skill) -> Bool {
        guard let declined = view.memory.declined[skill] else { return true }
        return (view.speedOfBestIdle(skill) ?? 0) > declined
    }

    /// No free slot is worth a copy: they are looked at again when a faster one is free, or at the next check.
    private func declinedCopies() -> [Move] {
        var declined: [Skill: Double] = [:]
        for skill in view.memory.ready.groups.keys {
            guard let speed = view.speedOfBestIdle(skill), speed > view.memory.declined[skill] ?? -1 else { continue }
            declined[skill] = speed
        }
        return declined.isEmpty ? [] : [.decline(declined)]
    }
}
