import SongPlan
import WorkerCore

/// What a worker was told of the windows after those that it has.
///
/// A window's prime is the end of the window before. So when that one is sampled, the next is begun at once, ahead of its
/// lease: the coordinator's answer takes a round trip, and a chain of windows would wait for each. Both parts keep what
/// belongs to streams of which the worker has a window, and so no more of them than it has slots for.
struct AnnouncedWindows {
    /// A window that was sampled here, of which not all is acknowledged.
    private struct Ended {
        var task: TaskID
        var start: Int
        var tokens: [UInt16]
    }

    private var next: [StreamID: WindowAssignment] = [:]
    private var ended: [StreamID: Ended] = [:]

    /// The coordinator announces a window.
    ///
    /// - Returns: the window with its prime, when the one before has ended already.
    mutating func announce(_ window: WindowAssignment, _ check: AssignmentCheck) -> WindowAssignment? {
        guard let before = ended[window.task.stream] else {
            next[window.task.stream] = window
            return nil
        }
        return Self.join(window, to: before, check)
    }

    /// A window of the worker is sampled.
    ///
    /// - Parameters:
    ///   - start: place of its first token.
    ///   - tokens: all of its tokens.
    /// - Returns: the one after it with its prime, when it was announced.
    mutating func ended(
        _ task: TaskID, start: Int, tokens: [UInt16], _ check: AssignmentCheck
    ) -> WindowAssignment? {
        let own = Ended(task: task, start: start, tokens: tokens)
        guard let window = next.removeValue(forKey: task.stream) else {
            ended[task.stream] = own
            return nil
        }
        return Self.join(window, to: own, check)
    }

    /// Nothing is begun after this window.
    mutating func forget(_ task: TaskID) {
        next[task.stream] = nil
        ended[task.stream] = nil
    }

    /// Lets go of what belongs to windows that the worker has no more.
    mutating func keep(where isHere: (TaskID) -> Bool) {
        next = next.filter { isHere($0.value.task.before) }
        ended = ended.filter { isHere($0.value.task) }
    }

    private static func join(_ window: WindowAssignment, to before: Ended, _ check: AssignmentCheck)
        -> WindowAssignment?
    {
        let offset = window.start - before.start
        guard window.task.before == before.task, offset >= 0, window.prime > 0,
            before.tokens.count - offset == window.prime
        else { return nil }
        var whole = window
        whole.tokens = check.prime(before.tokens[offset...])
        return check.fault(whole) == nil ? whole : nil
    }
}

extension TaskID {
    /// The window before in the same stream.
    var before: TaskID { TaskID(stream: stream, window: window - 1) }
}
