import SongPlan

/// A window that failed.
struct WindowTry: Sendable, Hashable {
    /// How often.
    let charges: Int
    /// When a machine that it failed on may have it again.
    let next: Instant
    let reason: String
}

/// What the rules remember from one event to the next. All of it is forgotten at a restart; only the coordinator changes
/// it, by moves.
struct ScheduleMemory: Sendable {
    private(set) var ready = ReadyIndex()
    private(set) var waiting = WaitingSongs()
    /// Songs that are sampled, and whose tasks may be handed out. A song waits unopened until slots are free for it.
    private(set) var open: Set<SongRef> = []
    /// By song, tokens a second of the slots that it has.
    private(set) var shares: [SongRef: Int] = [:]
    /// Streams whose window a straggler has: a faster worker may have a copy.
    private(set) var straggling: Set<StreamRef> = []
    /// The next windows of streams, where they were begun elsewhere.
    private(set) var ahead: [StreamRef: AheadWindow] = [:]
    /// The next windows of streams, as the workers were told that have those before.
    private(set) var announced: [StreamRef: AnnouncedWindow] = [:]
    /// The longest chain whose next window should be begun ahead, as soon as a slot is free for it.
    private(set) var awaiting: StreamRef?
    /// Streams of whose window machines say different things.
    private(set) var disputed: Set<StreamRef> = []
    private(set) var outlook = Outlook()
    private(set) var nextCheck: Instant
    /// The fastest free slot that no copy was worth since the last check.
    private(set) var declined: [Skill: Double] = [:]

    /// Windows that failed, and when a machine may have them again that they failed on.
    private(set) var tries: [StreamRef: WindowTry] = [:]

    init(now: Instant) { nextCheck = now }

    mutating func setTry(_ stream: StreamRef, _ item: WindowTry?) { tries[stream] = item }

    // MARK: Songs

    mutating func wait(_ song: Song, wanting skills: [Skill]) { waiting.insert(song, wanting: skills) }

    mutating func stopWaiting(_ song: Song) { waiting.remove(song) }

    mutating func open(_ song: Song) {
        waiting.remove(song)
        open.insert(song.ref)
    }

    /// Nothing more of the song is sampled.
    mutating func close(_ song: Song) {
        if !tries.isEmpty { tries = tries.filter { $0.key.song != song.ref } }
        waiting.remove(song)
        guard open.contains(song.ref) else { return }
        ready.remove(song: song.ref)
        open.remove(song.ref)
        shares[song.ref] = nil
        straggling = straggling.filter { $0.song != song.ref }
        disputed = disputed.filter { $0.song != song.ref }
        if awaiting?.song == song.ref { awaiting = nil }
    }

    // MARK: Streams

    mutating func setReady(_ task: ReadyTask?, of stream: StreamRef, _ skill: Skill) {
        ready.set(task, of: stream, skill)
        if task?.isDisputed == true { disputed.insert(stream) } else { disputed.remove(stream) }
    }

    mutating func setStraggling(_ stream: StreamRef, _ isStraggling: Bool) {
        if isStraggling { straggling.insert(stream) } else { straggling.remove(stream) }
    }

    mutating func share(_ song: SongRef, add share: Int) { shares[song, default: 0] += share }

    mutating func setAhead(_ stream: StreamRef, _ window: AheadWindow?) { ahead[stream] = window }

    mutating func setAnnounced(_ stream: StreamRef, _ window: AnnouncedWindow?) { announced[stream] = window }

    mutating func setAwaiting(_ stream: StreamRef?) { awaiting = stream }

    // MARK: Checks

    mutating func set(_ outlook: Outlook, nextCheck: Instant) {
        (self.outlook, self.nextCheck, declined) = (outlook, nextCheck, [:])
    }

    mutating func decline(_ speeds: [Skill: Double]) { declined.merge(speeds) { max($0, $1) } }
}
