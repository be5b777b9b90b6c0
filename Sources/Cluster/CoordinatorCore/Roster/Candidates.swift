import SongPlan

/// What decides between workers with free slots.
struct Candidate: Sendable, Hashable, Comparable {
    let speed: Double
    let freeSlots: Int
    let id: WorkerID

    /// Whether `left` is the better one.
    static func < (left: Candidate, right: Candidate) -> Bool {
        if left.speed != right.speed { return left.speed > right.speed }
        if left.freeSlots != right.freeSlots { return left.freeSlots > right.freeSlots }
        return left.id < right.id
    }
}

/// The connected workers that have a skill; of those with free slots, the best first. There may be a thousand, and the
/// best is looked for all the time.
struct Candidates: Sendable {
    private(set) var connected: Set<WorkerID> = []
    private(set) var idle: [Candidate] = []
    private var known: [WorkerID: Candidate] = [:]

    mutating func connect(_ id: WorkerID) { connected.insert(id) }

    mutating func disconnect(_ id: WorkerID) {
        connected.remove(id)
        update(id, nil)
    }

    /// What a worker offers has changed; nil is nothing.
    mutating func update(_ id: WorkerID, _ candidate: Candidate?) {
        guard known[id] != candidate else { return }
        if let former = known[id] { idle.removeSorted(former) }
        known[id] = candidate
        if let candidate { idle.insertSorted(candidate) }
    }

    var best: WorkerID? { idle.first?.id }
}

extension Array where Element: Comparable {
    /// In a sorted array, the place of the first element that is not before `element`.
    private func place(of element: Element) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insertSorted(_ element: Element) { insert(element, at: place(of: element)) }

    mutating func removeSorted(_ element: Element) {
        let place = place(of: element)
        if indices.contains(place), self[place] == element { remove(at: place) }
    }
}
