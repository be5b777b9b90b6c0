/// Which faults happen when, as a seed has it: some kinds each time, so that seeds differ in more than order. It never ends.
package struct FaultSchedule: Sendable {
    package struct Entry: Sendable, Hashable {
        /// Seconds after the start.
        package var time: Double
        package var fault: Fault
    }

    /// So far.
    package private(set) var entries: [Entry] = []
    private var dice: Dice
    private let kinds: [Fault.Kind]
    private let workers: Int

    private static let (start, longestGap) = (1.0, 0.8)

    init(dice: Dice, workers: Int) {
        var dice = dice
        // Half of the kinds, and every kind half the time; links are bad in most.
        let kinds = Fault.Kind.allCases.filter { _ in dice.happens(0.5) }
        self.kinds = kinds.isEmpty ? [.killWorker] : kinds
        (self.dice, self.workers) = (dice, workers)
    }

    /// - Returns: one more.
    mutating func next() -> Entry {
        let time = (entries.last?.time ?? Self.start) + dice.between(0.02, Self.longestGap)
        let entry = Entry(time: time, fault: Self.fault(dice.pick(kinds), &dice, workers))
        entries.append(entry)
        return entry
    }

    private static func fault(_ kind: Fault.Kind, _ dice: inout Dice, _ workers: Int) -> Fault {
        let worker = dice.number(0...workers - 1)
        let someone = dice.happens(0.3) ? nil : worker
        switch kind {
        case .killWorker: return .killWorker(worker)
        case .leave: return .leave(worker)
        case .stopWorker: return .stopWorker(worker, dice.between(0.2, 8))
        case .slowWorker: return .slowWorker(worker, factor: Double(dice.number(2...20)), dice.between(1, 20))
        case .hangUp: return .hangUp(worker)
        case .partition:
            let ways: [[Fault.Direction]] = [[.toCoordinator, .toWorker], [.toCoordinator], [.toWorker]]
            return .partition(someone, ways: dice.pick(ways), isHolding: dice.happens(0.5), dice.between(0.2, 6))
        case .badLink:
            func share() -> Double { dice.happens(0.6) ? dice.between(0.01, 0.3) : 0 }
            return .badLink(
                someone, drop: share(), duplicate: share(), delay: share(), flip: share(), dice.between(0.5, 8))
        case .killCoordinator:
            switch dice.number(0...3) {
            case 0: return .killCoordinator
            case 1: return .killCoordinatorAfterEffects(dice.number(0...12))
            default: return .killCoordinatorAtChange(dice.number(0...8), half: dice.happens(0.5))
            }
        case .stopCoordinator: return .stopCoordinator(dice.between(0.2, 6))
        case .cutPower:
            return dice.happens(0.4) ? .cutPower : .cutPowerAtChange(dice.number(0...8), half: dice.happens(0.5))
        case .fullDisk: return .fullDisk(dice.between(0.2, 6))
        case .failingDisk:
            let (reads, syncs) = (dice.happens(0.3), dice.happens(0.6))
            return .failingDisk(
                dice.number(1...6), reads: reads, writes: !reads && !syncs || dice.happens(0.5), syncs: syncs)
        case .flipBit: return .flipBit
        case .setClock: return .setClock(by: dice.between(-100_000, 100_000))
        case .cancelSong: return .cancelSong(dice.between(0.1, 4))
        }
    }
}
