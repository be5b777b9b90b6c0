import CoordinatorCore

/// Which machines are set aside, and which not any more, as lines of the log.
struct MachineLog {
    private var known: [MachineID: SetAsideStatus] = [:]

    /// Compares with what was before.
    mutating func look(_ setAsides: [SetAsideStatus], now: Instant) -> [String] {
        if setAsides.isEmpty, known.isEmpty { return [] }
        var lines: [String] = []
        let here = Dictionary(setAsides.map { ($0.machine, $0) }, uniquingKeysWith: { first, _ in first })
        for aside in setAsides where known[aside.machine]?.since != aside.since {
            let pause = aside.until.map { "for \(Int((($0 - now) / .seconds(1)).rounded(.up))) s" }
            lines.append(
                "machine \(aside.name) (\(aside.machine)) gets no windows \(pause ?? "until it is released"): \(aside.reason)"
            )
        }
        for (machine, aside) in known.sorted(by: { $0.key < $1.key }) where here[machine] == nil {
            lines.append("machine \(aside.name) gets windows again")
        }
        known = here
        return lines
    }
}
