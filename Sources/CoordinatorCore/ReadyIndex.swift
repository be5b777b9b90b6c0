import SongPlan

/// A task that could run now, with what decides its turn.
struct ReadyTask: Sendable, Hashable, Comparable {
    var priority: Int
    /// Tokens left in its stream: the longest chain is the critical path.
    var left: Int
    /// The song's place in the order of submissions.
    var order: Int
    var task: TaskID

    /// Whether `left` has its turn after `right`.
    static func < (left: ReadyTask, right: ReadyTask) -> Bool {
        if left.priority != right.priority { return left.priority < right.priority }
        if left.left != right.left { return left.left < right.left }
        if left.order != right.order { return left.order > right.order }
        if left.task.sample != right.task.sample { return left.task.sample > right.task.sample }
        return left.task.level < right.task.level
    }
}

/// The tasks of open songs that could run now, by what they need of a worker; the next turn is last.
struct ReadyIndex: Sendable {
    private(set) var groups: [Skill: [ReadyTask]] = [:]

    mutating func insert(_ task: ReadyTask, _ skill: Skill) {
        var group = groups.removeValue(forKey: skill) ?? []
        group.insert(task, at: group.partition(before: task))
        groups[skill] = group
    }

    mutating func remove(_ task: ReadyTask, _ skill: Skill) {
        guard var group = groups.removeValue(forKey: skill) else { return }
        let place = group.partition(before: task)
        if group.indices.contains(place), group[place] == task { group.remove(at: place) }
        if !group.isEmpty { groups[skill] = group }
    }

    mutating func remove(song: SongID) {
        for (skill, group) in groups {
            let rest = group.filter { $0.task.song != song }
            if rest.count != group.count { groups[skill] = rest.isEmpty ? nil : rest }
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
