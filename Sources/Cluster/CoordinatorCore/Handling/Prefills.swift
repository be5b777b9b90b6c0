import SongPlan

/// Windows that are prefilled ahead of their leases: what the rule says is carried out here.
extension Coordinator {
    /// Tells a worker the first `known` tokens of a window's prime.
    mutating func prefill(_ stream: StreamRef, _ task: TaskID, by worker: WorkerID, known: Int) {
        let song = truth[stream.song]
        guard let next = song.nextWindow(stream), next.index == task.window else { return }
        if var ahead = memory.ahead[stream] {
            ahead.known = known
            memory.setAhead(stream, ahead)
        } else {
            endAnnouncement(stream)
            memory.setAhead(stream, AheadWindow(task: task, worker: worker, known: known, begun: now))
            pool.assign(task, to: worker, now: now, isAhead: true)
        }
        send(to: worker, .prefill(Assignment(ahead: task, next, song, stream)))
    }

    /// The next window waits for its turn like any other.
    mutating func endPrefill(_ stream: StreamRef) {
        guard let ahead = forgetPrefill(stream) else { return }
        send(to: ahead.worker, .revoke(ahead.task, 0, reason: "it is not prefilled ahead any more"))
    }

    /// Ends all prefills of a worker.
    mutating func endPrefills(by worker: WorkerID) {
        for (stream, ahead) in memory.ahead.filter({ $0.value.worker == worker }).sorted(by: { $0.key < $1.key })
        where ahead.worker == worker { endPrefill(stream) }
    }

    @discardableResult
    mutating func forgetPrefill(_ stream: StreamRef) -> AheadWindow? {
        guard let ahead = memory.ahead[stream] else { return nil }
        pool.release(ahead.task, of: ahead.worker)
        memory.setAhead(stream, nil)
        return ahead
    }
}

/// Windows that are announced: what the rule says is carried out here.
extension Coordinator {
    mutating func announce(_ stream: StreamRef, _ task: TaskID, to worker: WorkerID) {
        let song = truth[stream.song]
        guard let next = song.nextWindow(stream), next.index == task.window else { return }
        // One that was never settled: the stream went another way.
        endAnnouncement(stream)
        memory.setAnnounced(stream, AnnouncedWindow(task: task, worker: worker))
        send(to: worker, .announce(Assignment(announced: task, next, song, stream)))
    }

    /// What was begun of it is of no use any more.
    mutating func endAnnouncement(_ stream: StreamRef) {
        guard let window = memory.announced[stream] else { return }
        memory.setAnnounced(stream, nil)
        send(to: window.worker, .revoke(window.task, 0, reason: "its lease goes elsewhere"))
    }

    /// A task is given to a worker: the one that was told of it, or another.
    mutating func settleAnnouncement(_ stream: StreamRef, of task: TaskID, to worker: WorkerID) {
        guard let window = memory.announced[stream], window.task == task else { return }
        if window.worker == worker { memory.setAnnounced(stream, nil) } else { endAnnouncement(stream) }
    }

    /// Nothing more of a song is sampled.
    mutating func endAnnouncements(of song: SongRef) {
        for stream in memory.announced.keys.filter({ $0.song == song }).sorted() { endAnnouncement(stream) }
    }
}

extension Assignment {
    /// The window that a lease is for.
    init(_ lease: Lease, _ song: Song, _ stream: StreamRef) {
        let window = song.segment(stream).windows[lease.task.window]
        self.init(
            lease.task, epoch: lease.epoch, window, song, stream, prime: song.tokens(stream, window.prime),
            sampled: song.tokens(stream, window.new.lowerBound...))
    }

    /// The window after the one that a stream is at, with what exists of its prime.
    init(ahead task: TaskID, _ window: Window, _ song: Song, _ stream: StreamRef) {
        self.init(
            task, epoch: 0, window, song, stream, prime: song.tokens(stream, window.prime.lowerBound...), sampled: [])
    }

    /// The window after the one that a worker has, which itself brings its prime.
    init(announced task: TaskID, _ window: Window, _ song: Song, _ stream: StreamRef) {
        self.init(task, epoch: 0, window, song, stream, prime: [], sampled: [])
    }

    /// - Parameters:
    ///   - prime: what exists of the window's prime; as sampled.
    ///   - sampled: new tokens of the window that exist.
    private init(
        _ task: TaskID, epoch: Epoch, _ window: Window, _ song: Song, _ stream: StreamRef, prime: ArraySlice<UInt16>,
        sampled: ArraySlice<UInt16>
    ) {
        let (level, levels) = (task.level, song.plan.geometry.levels)
        // Sampled values are as they are within their own window, and codes for all others.
        let above = window.above.map { levels[level + 1].codes(of: song.above(stream, $0)[...]) }
        self.init(
            task: task, epoch: epoch, fingerprint: song.skill(level).fingerprint, seed: song.submission.seed,
            number: song.submission.numbers?[task.sample] ?? task.sample, window: window.range,
            tokens: levels[level].codes(of: prime) + sampled, prime: window.prime.count, above: above ?? [],
            labels: song.submission.labels[task.sample][level], filter: song.submission.filters[level],
            path: song.path(stream))
    }
}
