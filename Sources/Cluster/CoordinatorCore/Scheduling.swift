import SongPlan

/// Who gets which task next.
///
/// A free slot goes to the songs of the highest priority; among them to the one that has the least of the workers'
/// speed, the earlier one when equal; and in it to the window with the longest chain of tokens to the song's end. Towards
/// the end of all songs fast slots go to the longest chains of all, and slow ones have those only until then. Songs are
/// opened in the order of priority and submission, only as many as there are slots for, so that a long queue costs
/// no memory for tokens.
extension Coordinator {
    private enum Move {
        case open(place: Int, [Skill])
        case grant(ReadyTask, Skill, WorkerID, isProvisional: Bool = false)
    }

    /// What decides between songs; the least has its turn.
    private struct Turn: Comparable {
        var priority: Int
        var share: Int
        var place: Int

        static func < (left: Turn, right: Turn) -> Bool {
            (right.priority, left.share, left.place) < (left.priority, right.share, right.place)
        }
    }

    /// Fills free slots until no ready task fits one.
    mutating func dispatch() {
        while let move = nextMove() {
            switch move {
            case .open(let place, let key):
                waiting.removeNext(key)
                open(place)
            case .grant(let task, let skill, let worker, let isProvisional):
                grant(task, skill, worker, isProvisional: isProvisional)
            }
        }
    }

    /// A song that may be sampled waits for its turn.
    mutating func enqueue(_ place: Int) {
        if songs[place].state == .sampling { waiting.insert(songs[place]) }
    }

    /// Puts a song's ready tasks into the index.
    mutating func open(_ place: Int) {
        songs[place].isOpen = true
        openSongs += 1
        for index in songs[place].streams.indices { refresh(place, index) }
    }

    /// Brings the ready index up to date with one stream.
    mutating func refresh(_ place: Int, _ index: Int) {
        guard songs[place].streams.indices.contains(index) else { return }
        var wanted = songs[place].isOpen ? songs[place].readyTask(index) : nil
        wanted?.isSuspect = isSuspect(songs[place].streams[index])
        let queued = songs[place].streams[index].queued
        guard wanted != queued else { return }
        let skill = songs[place].skill(songs[place].level(at: index))
        if let queued { ready.remove(queued, skill, song: place) }
        if let wanted { ready.insert(wanted, skill, song: place) }
        songs[place].streams[index].queued = wanted
    }

    private mutating func nextMove() -> Move? {
        let candidate = nextTask()
        guard let song = nextSong() else {
            // What waits for a fast worker does so on a slow one, rather than on none.
            return candidate.map { .grant($0.task, $0.skill, $0.worker) }
                ?? kept.map { .grant($0.task, $0.skill, $0.worker, isProvisional: true) }
        }
        if let candidate {
            let priority = candidate.turn.priority
            let isFair = song.entry.priority == priority && openSongs < pool.slots
            guard song.entry.priority > priority || isFair else {
                return .grant(candidate.task, candidate.skill, candidate.worker)
            }
        }
        return .open(place: song.entry.order, song.key)
    }

    private typealias Candidate = (turn: Turn, task: ReadyTask, skill: Skill, worker: WorkerID)

    private mutating func nextTask() -> Candidate? {
        var best: Candidate?
        horizon?.kept = 0
        kept = nil
        // In order, since windows that are kept for fast workers are counted.
        for skill in ready.groups.keys.sorted() where pool.hasFreeSlot(skill) {
            let group = ready.groups[skill] ?? [:]
            let turns = group.keys.map {
                Turn(priority: songs[$0].submission.priority, share: songs[$0].share, place: $0)
            }
            guard let first = turns.min() else { continue }
            var found = urgent(first.priority, turns, group, skill) ?? candidate(first, group, skill)
            if found == nil, turns.count > 1 {
                for turn in turns.sorted().dropFirst() where found == nil {
                    found = candidate(turn, group, skill)
                }
            }
            guard let found else { continue }
            if let other = best, (other.turn, found.task) < (found.turn, other.task) { continue }
            best = found
        }
        if best == nil { declineCopies() }
        return best
    }

    /// For a fast slot, of all songs of a priority: the window with the longest chain, if that is urgent.
    private mutating func urgent(
        _ priority: Int, _ turns: [Turn], _ group: [Int: [ReadyTask]], _ skill: Skill
    ) -> Candidate? {
        guard horizon != nil, hasFastIdle(skill) else { return nil }
        // In order, since songs may have equal tasks.
        let firsts = turns.filter { $0.priority == priority }.sorted().compactMap { group[$0.place]?.last }
        guard let task = firsts.max(), isUrgent(task), let worker = worker(for: task, skill) else { return nil }
        // Before every song's turn.
        return (Turn(priority: priority, share: -1, place: -1), task, skill, worker)
    }

    /// The first task of a song that a worker can have.
    private mutating func candidate(_ turn: Turn, _ group: [Int: [ReadyTask]], _ skill: Skill) -> Candidate? {
        let tasks = group[turn.place] ?? []
        let hasCopies = tasks.contains(where: \.isCopy) && mayCopy(skill)
        let isFast = hasCopies && hasFastIdle(skill)
        for task in tasks.reversed() where !task.isCopy || isFast {
            if let worker = worker(for: task, skill) { return (turn, task, skill, worker) }
        }
        // What would idle otherwise helps whoever is slower.
        for task in tasks.reversed() where task.isCopy && hasCopies && !isFast {
            if let worker = worker(for: task, skill) { return (turn, task, skill, worker) }
        }
        return nil
    }

    /// Whether a free slot is about as fast as the fast ones: it goes to the critical path, whoever else has that.
    private mutating func hasFastIdle(_ skill: Skill) -> Bool {
        guard let fast = fastSpeeds[skill.level] else { return false }
        return (speedOfBestIdle(skill) ?? 0) > 0.8 * fast
    }

    private mutating func worker(for task: ReadyTask, _ skill: Skill) -> WorkerID? {
        guard let (place, index) = live(task.task.stream) else { return nil }
        let stream = songs[place].streams[index]
        let blamed = Set(stream.blames.map(\.worker))
        if task.isSuspect {
            // One worker at a time.
            return task.isCopy ? nil : pool.best(for: skill, blamed: blamed, where: holdsNoBlamed)
        }
        guard task.isCopy else {
            let best = blamed.isEmpty ? pool.best(for: skill) : pool.best(for: skill, blamed: blamed)
            guard let best, isKept(place, index, from: best) else { return best }
            kept = (task, skill, best)
            return nil
        }
        guard let lease = stream.leases.first, let fastest = pool.best(for: skill) else { return nil }
        let worker =
            fastest == lease.worker || !blamed.isEmpty
            ? pool.best(for: skill, blamed: blamed, holder: lease.worker) : fastest
        return worker.flatMap { isCopyWorth(lease, place, index, on: $0) ? $0 : nil }
    }

    /// Whether copies were not declined since the last check on a slot as fast as the best that is free.
    private mutating func mayCopy(_ skill: Skill) -> Bool {
        guard let declined = declinedSpeeds[skill] else { return true }
        return (speedOfBestIdle(skill) ?? 0) > declined
    }

    /// No free slot is worth a copy: they are looked at again when a faster one is free, or at the next check.
    private mutating func declineCopies() {
        for skill in ready.groups.keys {
            if let speed = speedOfBestIdle(skill) { declinedSpeeds[skill] = max(speed, declinedSpeeds[skill] ?? 0) }
        }
    }

    private mutating func speedOfBestIdle(_ skill: Skill) -> Double? {
        pool.best(for: skill).flatMap { pool.speedOfNextSlot($0, skill.level) }
    }

    private func nextSong() -> (entry: WaitingSongs.Entry, key: [Skill])? {
        var best: (entry: WaitingSongs.Entry, key: [Skill])?
        for (key, queue) in waiting.queues where key.contains(where: pool.hasFreeSlot) {
            guard let entry = queue.last else { continue }
            if let other = best, entry < other.entry { continue }
            best = (entry, key)
        }
        return best
    }

    mutating func grant(_ entry: ReadyTask, _ skill: Skill, _ worker: WorkerID, isProvisional: Bool) {
        guard let (place, index) = live(entry.task.stream) else { return }
        let former = songs[place].streams[index].leases.filter { $0.isProvisional || isOnlyCrowded($0, worker) }
        commit(.leaseGranted(entry.task, nextEpoch, worker))
        if isProvisional, let last = songs[place].streams[index].leases.indices.last {
            songs[place].streams[index].leases[last].isProvisional = true
            songs[place].streams[index].isStraggling = true
        }
        refresh(place, index)
        if let assignment = assignment(place, index) { send(to: worker, .assignment(assignment)) }
        workAhead(place, index)
        for lease in former {
            endLease(lease, blame: nil, reason: "a faster worker goes on with it")
            send(to: lease.worker, .revoke(lease.task, lease.epoch, reason: "a faster worker goes on with it"))
        }
    }

    private func assignment(_ place: Int, _ index: Int) -> Assignment? {
        let song = songs[place]
        guard let lease = song.streams[index].leases.last, let window = song.window(index) else { return nil }
        return assignment(
            place, index, lease.task, window, epoch: lease.epoch, prime: song.tokens(index, window.prime),
            sampled: song.tokens(index, window.new.lowerBound...))
    }

    /// - Parameters:
    ///   - prime: of the window's prime, what exists; as sampled.
    ///   - sampled: new tokens of the window that exist.
    func assignment(
        _ place: Int, _ index: Int, _ task: TaskID, _ window: Window, epoch: Epoch, prime: ArraySlice<UInt16>,
        sampled: ArraySlice<UInt16> = []
    ) -> Assignment {
        let song = songs[place]
        let level = task.level
        let levels = song.plan.geometry.levels
        // Sampled values are as they are within their own window, and codes for all others.
        let above = window.above.map { levels[level + 1].codes(of: song.above(index, $0)[...]) }
        return Assignment(
            task: task, epoch: epoch, fingerprint: song.skill(level).fingerprint, seed: song.submission.seed,
            number: song.submission.numbers?[task.sample] ?? task.sample, window: window.range,
            tokens: levels[level].codes(of: prime) + sampled, prime: window.prime.count, above: above ?? [],
            labels: song.submission.labels[task.sample][level], filter: song.submission.filters[level],
            path: song.path(index))
    }
}
