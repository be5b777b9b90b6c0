import SongPlan

/// A task that could run now, with what decides its turn in its song.
struct ReadyTask: Sendable, Hashable, Comparable {
    /// Tokens of the longest chain from here to the song's end: the critical path goes first.
    let path: Int
    /// A straggler has it; a faster worker may have it, too.
    let isCopy: Bool
    /// An engine crashed with it in hand. It goes first, for it needs a worker for itself.
    let isSuspect: Bool
    let task: TaskID
    let stream: StreamRef
    /// Of a window that is sampled on several machines: another one's turn.
    var isCheck = false
    /// What two of them say differs: it decides.
    var isDisputed = false

    /// Whether `left` has its turn after `right`.
    static func < (left: ReadyTask, right: ReadyTask) -> Bool {
        if left.isSuspect != right.isSuspect { return right.isSuspect }
        if left.path != right.path { return left.path < right.path }
        if left.isCopy != right.isCopy { return left.isCopy }
        if left.task.sample != right.task.sample { return left.task.sample > right.task.sample }
        if left.task.level != right.task.level { return left.task.level < right.task.level }
        return left.task.segment > right.task.segment
    }
}

extension ClusterView {
    /// The task of a stream that could be handed out next: its song is open, all that it depends on exists, and nobody
    /// has it, or a straggler.
    func readyTask(_ stream: StreamRef) -> ReadyTask? {
        let song = truth[stream.song]
        guard memory.open.contains(stream.song), song.possibleWindow(stream) != nil else { return nil }
        if let check = song[stream].check { return checkTask(stream, check) }
        let isCopy: Bool
        switch song[stream].holders {
        case .none: isCopy = false
        case .one: isCopy = true
        case .two: return nil
        }
        guard !isCopy || memory.straggling.contains(stream) else { return nil }
        return ReadyTask(
            path: song.path(stream), isCopy: isCopy, isSuspect: song[stream].isSuspect, task: song.task(stream),
            stream: stream)
    }

    /// What workers must be able to do for the first tasks of a song.
    func wantedSkills(_ song: Song) -> [Skill] {
        let possible = song.streamRefs.filter { song[$0].holders.isEmpty && song.possibleWindow($0) != nil }
        return Set(possible.map(song.level)).sorted().map(song.skill)
    }
}

extension Song {
    /// What a worker must be able to do for the level.
    func skill(_ level: Int) -> Skill { Skill(level: level, fingerprint: submission.fingerprints[level] ?? "") }

    func skill(_ stream: StreamRef) -> Skill { skill(level(stream)) }
}

/// The tasks of open songs that could run now, by what they need of a worker, then by song; within a song the next turn
/// is last.
struct ReadyIndex: Sendable {
    private(set) var groups: [Skill: [SongRef: [ReadyTask]]] = [:]
    /// By song and stream, what is in the groups.
    private var entries: [SongRef: [StreamRef: (task: ReadyTask, skill: Skill)]] = [:]

    /// What a stream has to hand out now; nil is nothing.
    mutating func set(_ task: ReadyTask?, of stream: StreamRef, _ skill: Skill) {
        let former = entries[stream.song]?[stream]
        guard former?.task != task else { return }
        if let former { remove(former.task, former.skill) }
        entries[stream.song, default: [:]][stream] = task.map { ($0, skill) }
        if let task { groups[skill, default: [:]][stream.song, default: []].insertSorted(task) }
    }

    private mutating func remove(_ task: ReadyTask, _ skill: Skill) {
        let song = task.stream.song
        groups[skill]?[song]?.removeSorted(task)
        if groups[skill]?[song]?.isEmpty == true { groups[skill]?[song] = nil }
        if groups[skill]?.isEmpty == true { groups[skill] = nil }
    }

    mutating func remove(song: SongRef) {
        for entry in (entries.removeValue(forKey: song) ?? [:]).values { remove(entry.task, entry.skill) }
    }

    func task(of stream: StreamRef) -> ReadyTask? { entries[stream.song]?[stream]?.task }

    /// How many there are.
    var count: Int { entries.values.reduce(0) { $0 + $1.count } }

    /// Tokens of the longest chain that waits for a slot.
    var longestPath: Int { groups.values.joined().compactMap(\.value.last?.path).max() ?? 0 }
}
