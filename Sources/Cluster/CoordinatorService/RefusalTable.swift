import ClusterProtocol

/// Who was not let in, or not used: what `status` shows, and what of it is worth a line of the log. All of it comes from
/// strangers, so that all of it is bounded.
struct RefusalTable {
    struct Entry {
        var key = ""
        var address = ""
        var name = ""
        var reason: String
        /// Seconds of the coordinator's clock.
        fileprivate(set) var last = 0.0
        fileprivate(set) var count: UInt64 = 0
        fileprivate var toldAt = 0.0

        init(key: String = "", address: String = "", name: String = "", reason: String) {
            self.key = String(key.prefix(RefusalTable.longestName))
            self.address = String(address.prefix(RefusalTable.longestName))
            self.name = String(name.prefix(RefusalTable.longestName))
            self.reason = String(reason.prefix(RefusalTable.longestReason))
        }

        /// Whether it is the same peer for the same reason. Where a peer is known by nothing else, its address may have
        /// been lost with its connection.
        fileprivate func isSame(_ other: Entry) -> Bool {
            guard reason == other.reason, key == other.key, name == other.name else { return false }
            return !key.isEmpty || !name.isEmpty || address == other.address || other.address.isEmpty
        }
    }

    /// The one that was refused last comes first.
    private(set) var entries: [Entry] = []
    /// Lines that were written since the minute began, and those that were too many.
    private var minute = (begin: 0.0, lines: 0, untold: 0)

    static let most = 64
    private static let linesInMinute = 20
    private static let interval = 60.0
    private static let (longestName, longestReason) = (80, 300)

    /// Notes a refusal.
    ///
    /// - Returns: whether it is to be logged: each once a minute, and not too many of them.
    mutating func add(_ refusal: Entry, at now: Double) -> Bool {
        var entry = refusal
        if let place = entries.firstIndex(where: { $0.isSame(refusal) }) {
            entry = entries.remove(at: place)
            if !refusal.address.isEmpty { entry.address = refusal.address }
        } else if entries.count == Self.most {
            entries.removeLast()
        }
        entry.last = now
        let isDue = entry.count == 0 || now - entry.toldAt >= Self.interval
        entry.count += 1
        let isTold = isDue && mayTell()
        if isTold { entry.toldAt = now }
        entries.insert(entry, at: 0)
        return isTold
    }

    private mutating func mayTell() -> Bool {
        guard minute.lines < Self.linesInMinute else {
            minute.untold += 1
            return false
        }
        minute.lines += 1
        return true
    }

    /// Time has passed.
    ///
    /// - Returns: how many lines were too many for the minute that has ended; 0 while it runs.
    mutating func tick(at now: Double) -> Int {
        guard now - minute.begin >= Self.interval else { return 0 }
        defer { minute = (now, 0, 0) }
        return minute.untold
    }
}

extension RefusalTable.Entry {
    init(_ refusal: ConnectionRefusal) {
        self.init(key: refusal.key ?? "", address: refusal.address, reason: "\(refusal.reason)")
    }

    /// As a line of the log.
    var line: String {
        var who = [name.isEmpty ? "" : "worker \(name)", key.isEmpty ? "" : "the key \(key)"].filter { !$0.isEmpty }
        if who.isEmpty { who = ["a connection"] }
        if !address.isEmpty { who.append("from \(address)") }
        return "refused \(who.joined(separator: " ")): \(reason)"
    }
}
