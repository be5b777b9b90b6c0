import CoordinatorCore
import Foundation

/// Which workers came, went and came back, as lines of the log. The core is asked who is there; how a worker went is
/// known from what it said last.
struct WorkerLog {
    private enum Ending {
        case goodbye
        case unreachable
        case refused
        /// Its supervisor told so.
        case died
    }

    private struct Known {
        var name: String
        var isHere = false
        var goneAt = 0.0
        var wasBusy = false
        var ending: Ending?
        var peer: Peer?
    }

    /// A worker that is connected.
    struct Present {
        var id: WorkerID
        var name: String
        var levels: [Int]
        var slots: Int
        var isBusy: Bool
    }

    private var workers: [WorkerID: Known] = [:]
    private var peers: [Peer: WorkerID] = [:]
    private var hasNews = false
    private var nextLook = 0.0

    private static let most = 2000
    private static let interval = 1.0

    /// What people call a worker; nil for one that never said hello.
    func name(of id: WorkerID) -> String? { workers[id]?.name }

    func name(at peer: Peer) -> String? { peers[peer].flatMap(name(of:)) }

    /// The worker that said hello there last.
    func id(at peer: Peer) -> WorkerID? { peers[peer] }

    // MARK: what happens

    mutating func hello(_ peer: Peer, _ id: WorkerID, name: String) {
        if let former = workers[id]?.peer { peers[former] = nil }
        peers[peer] = id
        var known = workers[id] ?? Known(name: name)
        (known.name, known.ending, known.peer) = (name, nil, peer)
        workers[id] = known
        hasNews = true
    }

    mutating func goodbye(_ peer: Peer) { ends(peer, .goodbye) }
    mutating func lost(_ peer: Peer) { ends(peer, .unreachable) }
    mutating func refused(_ peer: Peer) { ends(peer, .refused) }
    mutating func died(_ id: WorkerID) { if let peer = workers[id]?.peer { ends(peer, .died) } }

    private mutating func ends(_ peer: Peer, _ ending: Ending) {
        guard let id = peers.removeValue(forKey: peer) else { return }
        workers[id]?.ending = ending
        hasNews = true
    }

    /// Whether it is time to look who is there.
    func isDue(at now: Double) -> Bool { hasNews || now >= nextLook }

    /// Compares with who was there before.
    ///
    /// - Returns: what is to be logged, with the worker's name.
    mutating func look(
        _ present: [Present], lease: Duration, at now: Double
    ) -> [(line: String, worker: String)] {
        hasNews = false
        nextLook = now + Self.interval
        var lines: [(line: String, worker: String)] = []
        var here: Set<WorkerID> = []
        for worker in present {
            here.insert(worker.id)
            var known = workers[worker.id] ?? Known(name: worker.name)
            if !known.isHere { lines.append((Self.arrival(worker, known, now), worker.name)) }
            (known.isHere, known.wasBusy, known.goneAt) = (true, worker.isBusy, 0)
            workers[worker.id] = known
        }
        for (id, known) in workers.sorted(by: { $0.key < $1.key }) where known.isHere && !here.contains(id) {
            if let line = Self.departure(known, lease) { lines.append((line, known.name)) }
            workers[id]?.isHere = false
            workers[id]?.goneAt = now
        }
        forgetOldest()
        return lines
    }

    private static func arrival(_ worker: Present, _ known: Known, _ now: Double) -> String {
        guard known.goneAt == 0 else { return "worker \(known.name) is back after \(Int(now - known.goneAt)) s" }
        let levels = worker.levels.map(String.init).joined(separator: ", ")
        return "worker \(known.name) joined: levels \(levels), \(worker.slots) slots"
    }

    private static func departure(_ known: Known, _ lease: Duration) -> String? {
        let rest = known.wasBusy ? "; its windows go to others" : ""
        switch known.ending {
        case .goodbye: return "worker \(known.name) left\(rest)"
        case .unreachable: return "lost worker \(known.name): its connection broke\(rest)"
        case .refused, .died: return nil
        case nil:
            let seconds = (lease / .seconds(1)).formatted()
            return "lost worker \(known.name): nothing heard of it for \(seconds) s\(rest)"
        }
    }

    private mutating func forgetOldest() {
        guard workers.count > Self.most else { return }
        let gone = workers.filter { !$0.value.isHere }.sorted { $0.value.goneAt < $1.value.goneAt }
        for (id, _) in gone.prefix(workers.count - Self.most) { workers[id] = nil }
        peers = peers.filter { workers[$0.value] != nil }
    }
}
