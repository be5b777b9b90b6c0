/// A fault that is due.
package struct PlannedFault: Sendable, Hashable {
    /// From 1.
    package var number: Int
    package var kind: FaultKind
    /// Seconds after the one before.
    package var gap: Double
    /// Seconds that it lasts, or until what was killed is started again.
    package var duration: Double
    /// Chooses the victim among those that are there.
    package var lot: UInt64

    /// The place of the victim in a list of so many.
    package func victim(of count: Int) -> Int { Int(lot % UInt64(count)) }
}

/// Which fault comes when: a function of the seed and the settings. It never ends.
package struct Schedule: Sendable {
    /// What the faults of a run are drawn from.
    package struct Settings: Sendable, Hashable {
        /// In the order of `FaultKind.allCases`, whatever order they were named in; standing ones are left away.
        package var kinds: [FaultKind]
        /// Seconds between two faults.
        package var gap: ClosedRange<Double>
        /// Of the coordinator, seconds.
        package var lease: Double

        package init(kinds: Set<FaultKind>, gap: ClosedRange<Double>, lease: Double) {
            self.kinds = FaultKind.allCases.filter { kinds.contains($0) && !$0.isStanding }
            (self.gap, self.lease) = (gap, lease)
        }
    }

    private let settings: Settings
    private var dice: Dice
    /// Kinds that have not come in this round: each comes once before any comes twice.
    private var round: [FaultKind] = []
    private var number = 0

    package init(seed: UInt64, settings: Settings) {
        self.settings = settings
        dice = Dice(seed: seed)
    }

    /// - Returns: nil when there is nothing to choose from.
    package mutating func next() -> PlannedFault? {
        if round.isEmpty { round = shuffledKinds() }
        guard let kind = round.popLast() else { return nil }
        number += 1
        let gap = dice.number(settings.gap)
        return PlannedFault(number: number, kind: kind, gap: gap, duration: duration(of: kind), lot: dice.next())
    }

    /// Swift's own shuffling may change with a release.
    private mutating func shuffledKinds() -> [FaultKind] {
        var kinds = settings.kinds
        for place in kinds.indices.reversed().dropLast() { kinds.swapAt(place, Int(dice.next() % UInt64(place + 1))) }
        return kinds
    }

    private mutating func duration(of kind: FaultKind) -> Double {
        if let leases = kind.leases { return dice.number(leases) * settings.lease }
        switch kind {
        case .diskFull, .fileLimit: return dice.number(1...3)
        case .reset, .cut: return 0
        default: return dice.number(0...1)
        }
    }
}
