import SongPlan

/// Who gets which task next.
///
/// Songs are opened in the order of priority and submission, only as many as there are slots for, so that a
/// long queue costs no memory for tokens and its first songs are finished first. Among the tasks of open
/// songs, the one with the longest chain of tokens before it goes first.
extension Coordinator {
    private enum Move {
        case open(place: Int, [Skill])
        case grant(ReadyTask, Skill, WorkerID)
    }

    /// Fills free slots until no ready task fits one.
    mutating func dispatch() {
        while let move = nextMove() {
            switch move {
            case .open(let place, let key):
                waiting.removeNext(key)
                open(place)
            case .grant(let task, let skill, let worker): grant(task, skill, worker)
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
        for index in songs[place].streams.indices { refresh(place, index) }
    }

    /// Brings the ready index up to date with one stream.
    mutating func refresh(_ place: Int, _ index: Int) {
        guard songs[place].streams.indices.contains(index) else { return }
        let wanted = songs[place].isOpen ? songs[place].readyTask(index) : nil
        let queued = songs[place].streams[index].queued
        guard wanted != queued else { return }
        let skill = songs[place].skill(index % songs[place].levels)
        if let queued { ready.remove(queued, skill) }
        if let wanted { ready.insert(wanted, skill) }
        songs[place].streams[index].queued = wanted
    }

    private func nextMove() -> Move? {
        let candidate = nextTask()
        guard let song = nextSong(), candidate.map({ song.entry.priority > $0.0.priority }) ?? true else {
            return candidate.map { .grant($0.0, $0.1, $0.2) }
        }
        return .open(place: song.entry.order, song.key)
    }

    private func nextTask() -> (ReadyTask, Skill, WorkerID)? {
        var best: (ReadyTask, Skill, WorkerID)?
        for (skill, group) in ready.groups where pool.hasFreeSlot(skill) {
            for task in group.reversed() {
                if let other = best, task < other.0 { break }
                if let worker = pool.best(for: skill, blamed: blamed(task.task)) {
                    best = (task, skill, worker)
                    break
                }
            }
        }
        return best
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

    private func blamed(_ task: TaskID) -> Set<WorkerID> {
        guard let (place, index) = live(task.stream) else { return [] }
        let blames = songs[place].streams[index].blames
        return blames.isEmpty ? [] : Set(blames.map(\.worker))
    }

    private mutating func grant(_ entry: ReadyTask, _ skill: Skill, _ worker: WorkerID) {
        guard let (place, index) = live(entry.task.stream) else { return }
        commit(.leaseGranted(entry.task, nextEpoch, worker))
        refresh(place, index)
        if let assignment = assignment(place, index) { send(to: worker, .assignment(assignment)) }
    }

    private func assignment(_ place: Int, _ index: Int) -> Assignment? {
        let song = songs[place]
        guard let lease = song.streams[index].lease, let window = song.window(index) else { return nil }
        let level = lease.task.level
        let levels = song.plan.geometry.levels
        let stream = song.streams[index].tokens
        // Sampled values are as they are within their own window, and codes for all others.
        let prime = stream[window.prime].map(levels[level].code(of:))
        let above = window.above.map { song.streams[index + 1].tokens[$0].map(levels[level + 1].code(of:)) }
        return Assignment(
            task: lease.task, epoch: lease.epoch, fingerprint: song.skill(level).fingerprint,
            seed: song.submission.seed,
            number: song.submission.numbers?[lease.task.sample] ?? lease.task.sample, window: window.range,
            tokens: prime + stream[window.new.lowerBound...], prime: window.prime.count, above: above ?? [],
            labels: song.submission.labels[lease.task.sample][level],
            filter: song.submission.filters[level])
    }
}
