import SongPlan

/// How many songs and windows there are, for whoever watches the whole cluster.
package struct Census: Sendable, Hashable {
    /// By state, as a word.
    package var songs: [String: Int] = [:]
    /// By level, windows of songs that go on which are not complete and which no worker has.
    package var pending: [Int: Int] = [:]
    /// By level, those of them that a worker could begin now.
    package var ready: [Int: Int] = [:]
    /// Leases that run: a window that has a copy counts twice.
    package var leased = 0
}

extension Coordinator {
    /// Looks at every song that goes on, so it takes its time.
    package var census: Census {
        var census = Census()
        for song in truth.present {
            census.songs[song.state.word, default: 0] += 1
            switch song.state {
            case .preparing, .sampling: census.add(song)
            case .decoding, .finished, .parked, .failed, .cancelled: break
            }
        }
        return census
    }
}

extension Census {
    fileprivate mutating func add(_ song: Song) {
        leased += song.running
        for stream in song.streamRefs {
            let isFree = song[stream].holders.isEmpty
            let level = song.level(stream)
            let left = song.segment(stream).windows.count - song[stream].window - (isFree ? 0 : 1)
            pending[level, default: 0] += max(0, left)
            let isReady = isFree && song.possibleWindow(stream) != nil
            ready[level, default: 0] += isReady ? 1 : 0
        }
    }
}

extension SongState {
    /// Without its reason.
    package var word: String {
        switch self {
        case .preparing: "preparing"
        case .sampling: "sampling"
        case .decoding: "decoding"
        case .finished: "finished"
        case .parked: "parked"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// All of them, in their order.
    package static let words = ["preparing", "sampling", "decoding", "finished", "parked", "failed", "cancelled"]
}

extension LeaseEnding {
    /// Without its details.
    package var word: String {
        switch self {
        case .lost(let loss): loss.rawValue
        case .notHeld: "not_held"
        case .moved: "moved"
        case .beaten: "beaten"
        case .reported: "reported"
        case .crashed: "crashed"
        case .displaced: "displaced"
        case .misbehaved: "misbehaved"
        case .brought: "brought"
        case .disputed: "disputed"
        case .withdrawn: "withdrawn"
        case .other: "other"
        }
    }

    /// All of them.
    package static let words =
        WorkerLoss.allCases.map(\.rawValue) + [
            "not_held", "moved", "beaten", "reported", "crashed", "displaced", "misbehaved", "brought", "disputed",
            "withdrawn", "other",
        ]
}
