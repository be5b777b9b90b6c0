import SongPlan

/// What decides between songs; the least has its turn.
struct Turn: Comparable {
    let priority: Int
    /// Tokens a second of the slots that the song has.
    let share: Int
    let song: SongRef

    static func < (left: Turn, right: Turn) -> Bool {
        (right.priority, left.share, left.song) < (left.priority, right.share, right.song)
    }

    /// Before the turns of all songs of the same priority.
    func first() -> Turn { Turn(priority: priority, share: -1, song: SongRef(place: -1)) }
}

extension ClusterView {
    func turn(_ song: SongRef) -> Turn {
        Turn(priority: truth[song].priority, share: memory.shares[song] ?? 0, song: song)
    }

    /// The song that could be opened next.
    var nextWaiting: WaitingSongs.Entry? { memory.waiting.next { $0.contains(where: pool.hasFreeSlot) } }

    /// Whether a song that waits comes before a task of an open one: by its priority, or because there are more slots
    /// than open songs.
    func opens(_ waiting: WaitingSongs.Entry, before turn: Turn) -> Bool {
        waiting.priority > turn.priority || waiting.priority == turn.priority && memory.open.count < pool.slots
    }
}
