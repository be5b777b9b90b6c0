import SongPlan
import Testing

@testable import CoordinatorCore

/// A small generator, so that a seed replays a failure.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// A cluster whose workers, messages and coordinator fail at random.
struct Soak {
    /// What was done to the cluster.
    struct Counters {
        var kills = 0, silences = 0, goodbyes = 0, losses = 0, duplicates = 0, reorders = 0
        var restarts = 0, cuts = 0, zombieChunks = 0, reconnects = 0, copies = 0, begunAhead = 0

        static func += (left: inout Counters, right: Counters) {
            for path in [
                \Counters.kills, \.silences, \.goodbyes, \.losses, \.duplicates, \.reorders, \.restarts,
                \.cuts, \.zombieChunks, \.reconnects, \.copies, \.begunAhead,
            ] {
                left[keyPath: path] += right[keyPath: path]
            }
        }
    }

    /// With small chunks, windows are begun ahead, since part of their prime is known.
    let chunk: Int
    var world: MockWorld
    var random: SplitMix
    var counters = Counters()
    var songs: [Submission] = []
    /// Steps for which a worker neither hears nor speaks.
    var silent: [Peer: Int] = [:]
    var wantsHello: Set<Peer> = []
    var born = 0
    var faults = true

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        chunk = seed.isMultiple(of: 2) ? 8 : 1
        world = MockWorld(Settings(chunk: chunk, machinesToPark: 1000, prefillGain: 1))
    }

    mutating func run() throws -> Counters {
        for number in 0..<2 {
            let known = random.chance(50) ? [0, 0, 0] : [0, Int.random(in: 0...9, using: &random), 7]
            let segmentation = Segmentation(count: 3, lead: 1, tail: 1, search: 0)
            songs.append(
                Small.song(
                    "s\(number)", samples: 1, length: 160, known: random.chance(50) ? [0, 0, known[2]] : known,
                    segmentation: random.chance(30) ? segmentation : nil))
        }
        try bear()
        try bear()
        for step in 0..<400 {
            faults = step < 60
            try self.step(step)
            let ended = songs.allSatisfy { world.states[$0.song]?.isEnded == true }
            if ended && !faults { break }
        }
        guard songs.allSatisfy({ world.states[$0.song] == .finished }) else {
            throw Violation("stuck: \(world.states), leases \(world.leases)")
        }
        try world.checkEmpty()
        counters.copies = world.copiesMade
        counters.begunAhead = world.aheadUsed
        return counters
    }

    private mutating func step(_ step: Int) throws {
        world.now = world.now + .milliseconds(500)
        for song in songs where random.chance(30) || !faults {
            if world.states[song.song] == nil { try event(.submit(song)) }
            if world.coordinator.state(of: song.song) == .preparing {
                try event(.initialTokens(song.song, Small.known(song)))
            }
        }
        if faults { try injectFault() }
        for peer in peers { try live(peer, step) }
        for song in world.sampled.sorted() where world.coordinator.state(of: song) == .decoding {
            if random.chance(50) { try event(.outputsWritten(song)) }
        }
        if random.chance(50) { try world.answerCuts() }
        try event(.tick)
    }

    private var peers: [Peer] { world.workers.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) } }

    /// One event, which the coordinator's process may not live to carry out in full.
    private mutating func event(_ event: Event) throws {
        if faults, random.chance(1) {
            counters.cuts += 1
            try world.handle(event, stopAfter: Int.random(in: 0..<4, using: &random))
            try world.restart()
        } else {
            try world.handle(event)
        }
        deliver()
    }

    private mutating func bear() throws {
        born += 1
        let peer = MockWorld.peer("w\(born)", born)
        let slots = Int.random(in: 1...3, using: &random)
        world.workers[peer] = MockWorker(id: "w\(born)", slots: slots, fingerprints: Small.fingerprints)
        wantsHello.insert(peer)
    }

    private mutating func injectFault() throws {
        guard random.chance(40), let victim = peers.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            counters.kills += 1
            world.workers[victim] = nil
            if random.chance(50) { try event(.peerLost(victim)) }
            try bear()
        case 1:
            counters.silences += 1
            silent[victim] = Int.random(in: 2...24, using: &random)
        case 2:
            counters.goodbyes += 1
            world.workers[victim] = nil
            try event(.goodbye(victim))
            try bear()
        case 3:
            counters.restarts += 1
            try world.restart()
        default:
            counters.reconnects += 1
            born += 1
            let peer = MockWorld.peer("r", born)
            world.workers[peer] = world.workers.removeValue(forKey: victim)
            wantsHello.insert(peer)
        }
    }

    /// What one worker does in half a second.
    private mutating func live(_ peer: Peer, _ step: Int) throws {
        if let left = silent[peer] {
            silent[peer] = left > 1 ? left - 1 : nil
            return
        }
        if wantsHello.remove(peer) != nil, let worker = world.workers[peer] {
            try transmit(.workerHello(peer, worker.description))
        }
        world.workers[peer]?.sample(Int.random(in: 0...12, using: &random))
        if step.isMultiple(of: 4) { world.workers[peer]?.rewind() }
        var chunks = world.workers[peer]?.takeChunks(size: chunk) ?? []
        if faults, chunks.count > 1, random.chance(20) {
            counters.reorders += 1
            chunks.shuffle(using: &random)
        }
        for chunk in chunks {
            if world.leases[chunk.task]?.epoch != chunk.epoch, world.copies[chunk.task]?.epoch != chunk.epoch {
                counters.zombieChunks += 1
            }
            try transmit(.chunk(peer, chunk))
        }
        if step.isMultiple(of: 2), let worker = world.workers[peer] {
            try transmit(.heartbeat(peer, held: worker.held, tokensPerSecond: 50))
        }
    }

    private mutating func transmit(_ message: Event) throws {
        if faults, random.chance(8) {
            counters.losses += 1
            return
        }
        try event(message)
        if faults, random.chance(8) {
            counters.duplicates += 1
            try event(message)
        }
    }

    private mutating func deliver() {
        let messages = world.toWorkers
        world.toWorkers = []
        for (peer, message) in messages {
            if faults, random.chance(8) {
                counters.losses += 1
                continue
            }
            // A stopped process finds its messages when it goes on; here they are simply read early.
            if world.workers[peer]?.receive(message) == true { wantsHello.insert(peer) }
        }
    }
}

struct SoakTests {
    @Test func `whatever fails, the tokens are those of an undisturbed run`() throws {
        var total = Soak.Counters()
        for seed in UInt64(0)..<300 {
            var soak = Soak(seed: seed)
            do {
                total += try soak.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
        #expect(total.kills > 0 && total.silences > 0 && total.goodbyes > 0 && total.reconnects > 0)
        #expect(total.losses > 0 && total.duplicates > 0 && total.reorders > 0)
        #expect(total.restarts > 0 && total.cuts > 0 && total.zombieChunks > 0)
        #expect(total.copies > 0 && total.begunAhead > 0, "\(total)")
    }
}
