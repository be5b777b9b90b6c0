/// A song's place in the table of songs: in the order of submissions, and good for the life of the process.
struct SongRef: Sendable, Hashable, Comparable {
    let place: Int

    static func < (left: SongRef, right: SongRef) -> Bool { left.place < right.place }
}

/// A stream of a song in the table. Good until the song ends.
struct StreamRef: Sendable, Hashable, Comparable {
    let song: SongRef
    /// In the order sample, level, segment.
    let index: Int

    static func < (left: StreamRef, right: StreamRef) -> Bool {
        (left.song, left.index) < (right.song, right.index)
    }
}
