import SongPlan

/// A task that could run now, with what decides its turn in its song.
struct ReadyTask: Sendable, Hashable, Comparable {
    /// Tokens of the longest chain from here to the song's end: the critical path goes first.
    var path: Int
    /// A straggler has it; a faster worker may have it, too.
    var isCopy: Bool
    /// One more death would fail its song. It goes first, for it needs a worker that holds nothing else that is blamed.
    var isSuspect = false
    var task: TaskID

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

/// The tasks of open songs that could run now, by what they need of a worker, then by the song's place; within a
/// song the next turn is last.
struct ReadyIndex: Sendable {
    private(set) var groups: [Skill: [Int: [ReadyTask]]] = [:]

    mutating func insert(_ task: ReadyTask, _ skill: Skill, song: Int) {
        var tasks = groups[skill, default: [:]].removeValue(forKey: song) ?? []
        tasks.insert(task, at: tasks.partition(before: task))
        groups[skill, default: [:]][song] = tasks
    }

    mutating func remove(_ task: ReadyTask, _ skill: Skill, song: Int) {
        guard var tasks = groups[skill]?.removeValue(forKey: song) else { return }
        let place = tasks.partition(before: task)
        if tasks.indices.contains(place), tasks[place] == task { tasks.remove(at: place) }
        if !tasks.isEmpty { groups[skill]?[song] = tasks }
        if groups[skill]?.isEmpty == true { groups[skill] = nil }
    }

    mutating func remove(song: Int) {
        for skill in Array(groups.keys) {
            groups[skill]?[song] = nil
            if groups[skill]?.isEmpty == true { groups[skill] = nil }
        }
    }
}

/// Songs that no task was handed out of yet, by what their first tasks need; the next turn is last.
struct WaitingSongs: Sendable {
    struct Entry: Sendable, Comparable {
        var priority: Int
        var order: Int

        static func < (left: Entry, right: Entry) -> Bool {
            (left.priority, right.order) < (right.priority, left.order)
        }
    }

    private(set) var queues: [[Skill]: [Entry]] = [:]

    mutating func insert(_ song: Song) {
        let entry = Entry(priority: song.submission.priority, order: song.order)
        let key = song.wantedSkills
        var queue = queues.removeValue(forKey: key) ?? []
        queue.insert(entry, at: queue.partition(before: entry))
        queues[key] = queue
    }

    mutating func removeNext(_ key: [Skill]) {
        queues[key]?.removeLast()
        if queues[key]?.isEmpty == true { queues[key] = nil }
    }

    mutating func remove(_ song: Song) {
        let entry = Entry(priority: song.submission.priority, order: song.order)
        let key = song.wantedSkills
        guard var queue = queues.removeValue(forKey: key) else { return }
        let place = queue.partition(before: entry)
        if queue.indices.contains(place), queue[place] == entry { queue.remove(at: place) }
        if !queue.isEmpty { queues[key] = queue }
    }
}

extension Array where Element: Comparable {
    /// In a sorted array, the place of the first element that is not before `element`.
    fileprivate func partition(before element: Element) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
