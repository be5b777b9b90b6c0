import SongPlan

/// Songs that no task was handed out of yet, by what their first tasks need; the next turn is last.
struct WaitingSongs: Sendable {
    struct Entry: Sendable, Hashable, Comparable {
        let priority: Int
        let song: SongRef

        static func < (left: Entry, right: Entry) -> Bool {
            (left.priority, right.song) < (right.priority, left.song)
        }
    }

    private(set) var queues: [[Skill]: [Entry]] = [:]
    /// By song, where it waits.
    private var keys: [SongRef: [Skill]] = [:]

    var isEmpty: Bool { keys.isEmpty }
    var songs: Set<SongRef> { Set(keys.keys) }

    /// The song of the next turn, of those that `mayBegin` says could.
    func next(where mayBegin: ([Skill]) -> Bool) -> Entry? {
        queues.filter { mayBegin($0.key) }.compactMap(\.value.last).max()
    }

    mutating func insert(_ song: Song, wanting skills: [Skill]) {
        remove(song)
        queues[skills, default: []].insertSorted(Entry(priority: song.priority, song: song.ref))
        keys[song.ref] = skills
    }

    mutating func remove(_ song: Song) {
        guard let key = keys.removeValue(forKey: song.ref) else { return }
        queues[key]?.removeSorted(Entry(priority: song.priority, song: song.ref))
        if queues[key]?.isEmpty == true { queues[key] = nil }
    }

    /// Where a song waits; nil when it does not.
    func key(of song: SongRef) -> [Skill]? { keys[song] }
}
