import SongPlan

/// What durably names a machine, whichever processes it runs.
package typealias MachineID = String

/// A machine that gets nothing for a while.
struct SetAside: Sendable, Hashable {
    /// Why it is set aside.
    enum Cause: Sendable, Hashable {
        /// It fails whatever it gets, and tells so.
        case fails
        /// Its workers vanish with whatever they get. That shows little, so it counts only where others are there.
        case vanishes
        /// What it sends is made up.
        case lies
    }
    let cause: Cause
    let reason: String
    let since: Instant
    /// nil: until somebody releases it.
    let until: Instant?
}

/// What machines have shown over the lives of their workers. All of it is forgotten at a restart, apart from what records
/// say elsewhere.
struct MachineBook: Sendable {
    private struct Entry: Sendable {
        /// For people.
        var name: String
        /// Failures that it told of, and workers that vanished with windows in hand, since its last accepted token.
        var failures = 0
        var losses = 0
        /// Pauses since then.
        var pauses = 0
        /// Windows that failed on it since then.
        var failed: Set<TaskID> = []
        /// Windows of which it brought tokens last, two at most.
        var brought: [TaskID] = []
        var aside: SetAside?
    }

    private var entries: [MachineID: Entry] = [:]

    /// Before a machine is set aside: one may be unlucky.
    static let (failuresAllowed, lossesAllowed) = (3, 5)
    private static let firstPause = Duration.seconds(10)
    private static let (longestPause, longestPauseOfVanishing) = (Duration.seconds(3600), Duration.seconds(20))
    /// Names of machines come from outside.
    private static let most = 4096

    // MARK: What is known

    func setAside(_ machine: MachineID) -> SetAside? { entries[machine]?.aside }

    func isSetAside(_ machine: MachineID) -> Bool { entries[machine]?.aside != nil }

    /// In the order of their names.
    var setAside: [(machine: MachineID, name: String, aside: SetAside)] {
        entries.compactMap { id, entry in entry.aside.map { (id, entry.name, $0) } }.sorted { $0.0 < $1.0 }
    }

    /// Whether a machine works otherwise: it brought tokens of another window, and failed with none since.
    func works(_ machine: MachineID, beside task: TaskID) -> Bool {
        guard let entry = entries[machine] else { return false }
        return entry.brought.contains { $0 != task } && entry.failed.isSubset(of: [task])
    }

    func name(_ machine: MachineID) -> String { entries[machine].map(\.name) ?? String(machine.suffix(16)) }

    // MARK: What happens

    private mutating func update<Result>(_ machine: MachineID, _ name: String, _ body: (inout Entry) -> Result)
        -> Result
    {
        if entries[machine] == nil, entries.count >= Self.most { forgetSome() }
        return body(&entries[machine, default: Entry(name: name)])
    }

    private mutating func forgetSome() {
        let idle = entries.filter { $0.value.aside == nil }.keys.sorted()
        for machine in idle.prefix(Self.most / 2) { entries[machine] = nil }
    }

    /// Tokens of a window were accepted: the machine works.
    ///
    /// - Returns: whether something that was held against it is so no more, or it says more now about windows that failed
    ///   on it.
    mutating func brought(_ machine: MachineID, name: String, _ task: TaskID) -> Bool {
        update(machine, name) { entry in
            let isFreed = entry.aside.map { $0.cause != .lies } ?? false
            let saysMore = !entry.failed.isEmpty || entry.brought.count < 2 && !entry.brought.contains(task)
            (entry.name, entry.failures, entry.losses, entry.pauses) = (name, 0, 0, 0)
            if !entry.failed.isEmpty { entry.failed = [] }
            if entry.brought.last != task {
                entry.brought.removeAll { $0 == task }
                entry.brought.append(task)
                if entry.brought.count > 2 { entry.brought.removeFirst() }
            }
            if isFreed { entry.aside = nil }
            return isFreed || saysMore
        }
    }

    /// It told of a failure.
    ///
    /// - Returns: whether it is set aside now, and was not before.
    mutating func failed(
        _ machine: MachineID, name: String, with tasks: [TaskID], _ reason: String, now: Instant
    ) -> Bool {
        update(machine, name) { entry in
            entry.name = name
            if entry.failed.count < 4 { entry.failed.formUnion(tasks) }
            guard entry.aside == nil else { return false }
            entry.failures += 1
            guard entry.failures >= Self.failuresAllowed else { return false }
            let text = "it failed \(entry.failures) times without a token in between; last: \(reason)"
            Self.setAside(&entry, .fails, text, now, limit: Self.longestPause)
            return true
        }
    }

    /// A worker of it vanished with windows in hand. Where it is the only machine, that leads to nothing.
    ///
    /// - Returns: whether it is set aside now, and was not before.
    mutating func lost(_ machine: MachineID, name: String, hasOthers: Bool, now: Instant) -> Bool {
        update(machine, name) { entry in
            entry.name = name
            guard entry.aside == nil else { return false }
            entry.losses += 1
            guard hasOthers, entry.losses >= Self.lossesAllowed else { return false }
            let text = "its workers vanished \(entry.losses) times with windows in hand, without a token in between"
            Self.setAside(&entry, .vanishes, text, now, limit: Self.longestPauseOfVanishing)
            return true
        }
    }

    private static func setAside(
        _ entry: inout Entry, _ cause: SetAside.Cause, _ reason: String, _ now: Instant, limit: Duration
    ) {
        let pause = min(limit, firstPause * (1 << min(entry.pauses, 20)))
        entry.pauses += 1
        entry.aside = SetAside(cause: cause, reason: reason, since: now, until: now + pause)
    }

    /// For another reason than what it failed with.
    mutating func setAside(_ machine: MachineID, name: String, reason: String, isLiar: Bool, now: Instant) {
        update(machine, name) { entry in
            if isLiar {
                entry.aside = SetAside(cause: .lies, reason: reason, since: now, until: nil)
            } else if entry.aside?.cause != .lies {
                Self.setAside(&entry, .fails, reason, now, limit: Self.longestPause)
            }
        }
    }

    /// - Returns: whether it was set aside.
    mutating func release(_ machine: MachineID) -> Bool {
        guard entries[machine]?.aside != nil else { return false }
        entries[machine] = nil
        return true
    }

    /// Those whose pause is over are tried again: with the next failure they are set aside for longer.
    mutating func expire(_ now: Instant) -> [MachineID] {
        free { $0.until.map { $0 <= now } ?? false }
    }

    /// Machines that only vanished are tried again at once: nobody else is left.
    mutating func freeVanishing() -> [MachineID] { free { $0.cause == .vanishes } }

    private mutating func free(where isFree: (SetAside) -> Bool) -> [MachineID] {
        let over = entries.filter { $0.value.aside.map(isFree) ?? false }.keys.sorted()
        for machine in over { entries[machine]?.aside = nil }
        return over
    }

    var isEmpty: Bool { !entries.contains { $0.value.aside != nil } }
}
