/// Something that happens to a simulated cluster. Workers are counted from 0; durations are seconds.
package enum Fault: Sendable, Hashable {
    case killWorker(Int)
    /// It hands in what it has, says goodbye, and comes again.
    case leave(Int)
    /// Neither hears nor speaks nor computes for a while, and goes on (SIGSTOP).
    case stopWorker(Int, Double)
    case slowWorker(Int, factor: Double, Double)
    /// Its connection breaks, and another one is made.
    case hangUp(Int)
    /// nil: of all workers. What is said meanwhile is lost, or comes later.
    case partition(Int?, ways: [Direction], isHolding: Bool, Double)
    /// Messages are dropped, doubled, overtaken and changed for a while.
    case badLink(Int?, drop: Double, duplicate: Double, delay: Double, flip: Double, Double)
    case killCoordinator
    /// It dies when it has carried out so many more effects: between two messages, or after a record.
    case killCoordinatorAfterEffects(Int)
    /// It dies at a change of its disk: before it, or when half of a write is done.
    case killCoordinatorAtChange(Int, half: Bool)
    case stopCoordinator(Double)
    case cutPower
    /// The same at a change of the disk.
    case cutPowerAtChange(Int, half: Bool)
    case fullDisk(Double)
    /// So many calls of a kind fail.
    case failingDisk(Int, reads: Bool, writes: Bool, syncs: Bool)
    /// A bit of tokens on the disk changes, while no coordinator runs.
    case flipBit
    /// Somebody sets the clock.
    case setClock(by: Double)
    /// A client cancels a song, and resumes it later.
    case cancelSong(Double)

    package enum Direction: String, Sendable, Hashable { case toCoordinator, toWorker }

    /// What kind it is.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case killWorker = "kill-worker"
        case leave
        case stopWorker = "stop-worker"
        case slowWorker = "slow-worker"
        case hangUp = "hang-up"
        case partition
        case badLink = "bad-link"
        case killCoordinator = "kill-coordinator"
        case stopCoordinator = "stop-coordinator"
        case cutPower = "cut-power"
        case fullDisk = "full-disk"
        case failingDisk = "failing-disk"
        case flipBit = "flip-bit"
        case setClock = "set-clock"
        case cancelSong = "cancel-song"
    }

    package var kind: Kind {
        switch self {
        case .killWorker: .killWorker
        case .leave: .leave
        case .stopWorker: .stopWorker
        case .slowWorker: .slowWorker
        case .hangUp: .hangUp
        case .partition: .partition
        case .badLink: .badLink
        case .killCoordinator, .killCoordinatorAfterEffects, .killCoordinatorAtChange: .killCoordinator
        case .stopCoordinator: .stopCoordinator
        case .cutPower, .cutPowerAtChange: .cutPower
        case .fullDisk: .fullDisk
        case .failingDisk: .failingDisk
        case .flipBit: .flipBit
        case .setClock: .setClock
        case .cancelSong: .cancelSong
        }
    }
}

extension Fault: CustomStringConvertible {
    package var description: String {
        func who(_ worker: Int?) -> String { worker.map { "w\($0 + 1)" } ?? "all" }
        func long(_ seconds: Double) -> String { "\(Double(Int(seconds * 100)) / 100) s" }
        func share(_ value: Double) -> String { "\(Int(value * 100)) %" }
        switch self {
        case .killWorker(let worker), .leave(let worker), .hangUp(let worker): return "\(kind.rawValue) \(who(worker))"
        case .stopWorker(let worker, let time): return "\(kind.rawValue) \(who(worker)) for \(long(time))"
        case .slowWorker(let worker, let factor, let time):
            return "\(kind.rawValue) \(who(worker)), \(Int(factor)) times, for \(long(time))"
        case .partition(let worker, let ways, let isHolding, let time):
            let way = ways.count == 2 ? "both ways" : ways.map(\.rawValue).joined()
            return
                "\(kind.rawValue) \(who(worker)) \(way), messages \(isHolding ? "come later" : "are lost"), for \(long(time))"
        case .badLink(let worker, let drop, let duplicate, let delay, let flip, let time):
            return "\(kind.rawValue) \(who(worker)): drop \(share(drop)), duplicate \(share(duplicate)), "
                + "delay \(share(delay)), flip \(share(flip)), for \(long(time))"
        case .killCoordinatorAfterEffects(let count): return "\(kind.rawValue) after \(count) effects"
        case .killCoordinatorAtChange(let count, let half), .cutPowerAtChange(let count, let half):
            return "\(kind.rawValue) after \(count) changes of the disk\(half ? " and a half" : "")"
        case .stopCoordinator(let time), .fullDisk(let time), .cancelSong(let time):
            return "\(kind.rawValue) for \(long(time))"
        case .failingDisk(let count, let reads, let writes, let syncs):
            let calls = [reads ? "reads" : "", writes ? "writes" : "", syncs ? "syncs" : ""].filter { !$0.isEmpty }
            return "\(kind.rawValue): \(count) \(calls.joined(separator: ", "))"
        case .setClock(let seconds): return "\(kind.rawValue) by \(Int(seconds)) s"
        case .killCoordinator, .cutPower, .flipBit: return kind.rawValue
        }
    }
}
