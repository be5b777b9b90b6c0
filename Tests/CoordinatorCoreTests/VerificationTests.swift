import SongPlan
import Testing

@testable import CoordinatorCore

/// Windows that two machines sample, and what comes of machines that lie.
@Suite struct VerificationTests {
    private func settings(_ share: Double, secret: UInt64 = 1) -> Settings {
        var settings = Settings(chunk: 8)
        (settings.verifyShare, settings.verifySecret) = (share, secret)
        return settings
    }

    private func begun(
        _ workers: [WorkerID], share: Double, samples: Int = 2, secret: UInt64 = 1, slots: Int = 2,
        segmentation: Segmentation? = nil, liar: (WorkerID, @Sendable (TaskID) -> Bool)? = nil
    ) throws -> MockWorld {
        var world = MockWorld(settings(share, secret: secret))
        for id in workers {
            try world.join(id, slots: slots)
            if let liar, liar.0 == id { world.workers[MockWorld.peer(id)]?.lies = liar.1 }
        }
        try world.handle(.submit(Small.song("s", samples: samples, segmentation: segmentation)))
        world.deliver()
        return world
    }

    /// All workers sample and speak, in turns that differ, until the song has ended or nothing happens for long.
    ///
    /// - Parameter each: after every turn.
    private func play(
        _ world: inout MockWorld, _ seed: UInt64 = 1, turns: Int = 600,
        each: (inout MockWorld, Int) throws -> Void = { _, _ in }
    ) throws {
        var random = SplitMix(state: seed)
        for turn in 0..<turns {
            if world.states["s"]?.isEnded == true { return }
            world.now = world.now + .milliseconds(500)
            for peer in world.workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
                world.workers[peer]?.sample(Int.random(in: 0...12, using: &random))
                try world.sendChunks(peer)
                if world.refusedPeers[peer] == nil { try world.heartbeat(peer) }
            }
            try world.handle(.tick)
            world.deliver()
            try world.answerCuts()
            if world.sampled.contains("s") { try world.handle(.outputsWritten("s")) }
            try each(&world, turn)
        }
    }

    /// For people.
    private func situation(_ world: MockWorld) -> String {
        let core = world.coordinator
        let streams = core.truth.songs.flatMap { song in
            song.streamRefs.map { stream in
                "\(song.id(stream).sample).\(song.level(stream)): \(song[stream].tokens.count) window \(song[stream].window) "
                    + "held by \(song[stream].holders.leases.map(\.worker)), claims "
                    + "\(song[stream].check?.claims.map { "\($0.machine) \($0.start)-\($0.end)" } ?? ["-"])"
            }
        }
        return "\(core.disputants) \(core.memory.ready.count) ready, \(core.memory.open.count) open, "
            + "\(core.memory.waiting.queues.count) waiting, \(world.verdicts); \(streams.joined(separator: "; "))"
    }

    @Test func `without a share nothing is journaled or sampled besides`() throws {
        var world = try begun(["a", "b"], share: 0)
        try play(&world)
        #expect(world.states["s"] == .finished && world.checksBegun == 0)
    }

    @Test(arguments: [0.1, 0.5, 1]) func `honest machines agree, whatever the share, and the song is what it was`(
        _ share: Double
    ) throws {
        for seed in (0..<5) as Range<UInt64> {
            var world = try begun(["a", "b", "c"], share: share, secret: seed)
            try play(&world, seed)
            #expect(world.states["s"] == .finished)
            #expect(world.checksBegun > 0 && world.checksEnded == 0 && world.verdicts.isEmpty)
            try world.checkEmpty()
        }
    }

    @Test func `a share is about what is checked, after each machine's first window of a level`() throws {
        var (checked, all) = (0, 0)
        for secret in (0..<8) as Range<UInt64> {
            var world = try begun(["a", "b"], share: 0.25, samples: 6, secret: secret)
            try play(&world, secret)
            #expect(world.states["s"] == .finished)
            checked += world.checksBegun - 6
            all += world.plans["s"]!.flatMap(\.levels).flatMap(\.segments).reduce(0) { $0 + $1.windows.count }
        }
        #expect((0.15...0.35).contains(Double(checked) / Double(all)), "\(checked) of \(all)")
    }

    @Test func `the first window of a machine at a level is checked, whatever the share`() throws {
        var world = try begun(["a", "b", "c"], share: 1e-9, samples: 4)
        try play(&world)
        #expect(world.states["s"] == .finished)
        #expect((3...9).contains(world.checksBegun))
    }

    @Test func `one machine alone is not checked`() throws {
        var world = try begun(["a"], share: 1)
        try play(&world)
        #expect(world.states["s"] == .finished && world.checksBegun == 0)
    }

    @Test(arguments: [0.25, 1]) func `who lies from the start is found among three, and nothing of it stays`(
        _ share: Double
    ) throws {
        for seed in (0..<8) as Range<UInt64> {
            var world = try begun(["a", "b", "c"], share: share, secret: seed, liar: ("b", { _ in true }))
            try play(&world, seed)
            #expect(world.states["s"] == .finished && world.verdicts == ["b"], "seed \(seed)")
            #expect(world.coordinator.machines.setAside("b")?.cause == .lies)
            try world.checkEmpty()
        }
    }

    @Test func `who begins to lie later is found, and what it gave before that nobody compared goes, too`() throws {
        var (found, withdrawn) = (0, 0)
        for seed in (0..<16) as Range<UInt64> {
            // Honest in the first windows of each level.
            var world = try begun(
                ["a", "b", "c"], share: 0.4, samples: 3, secret: seed, liar: ("b", { $0.window >= 2 }))
            world.checksTruth = false
            try play(&world, seed)
            #expect(world.states["s"] == .finished, "seed \(seed): \(situation(world))")
            guard world.verdicts == ["b"] else { continue }
            #expect(try world.streams.keys.allSatisfy(world.isTrue), "seed \(seed)")
            found += 1
            withdrawn += world.withdrawn.count
        }
        #expect(found > 6 && withdrawn > 3, "\(found), \(withdrawn)")
    }

    @Test func `two machines that say different things both stop until a third one decides`() throws {
        for seed in (0..<5) as Range<UInt64> {
            var world = try begun(["a", "b"], share: 1, secret: seed, liar: ("b", { _ in true }))
            try play(&world, seed, turns: 60)
            #expect(world.states["s"] == .sampling && world.leases.isEmpty && world.verdicts.isEmpty)
            #expect(!world.coordinator.checkNotes.isEmpty)
            try world.join("c")
            try play(&world, seed)
            #expect(world.states["s"] == .finished && world.verdicts == ["b"])
        }
    }

    @Test func `the operator may decide instead, and may trust a machine again`() throws {
        var world = try begun(["a", "b"], share: 1, liar: ("b", { _ in true }))
        try play(&world, turns: 60)
        try world.handle(.releaseMachine("a"))
        #expect(world.verdicts == ["b"])
        try play(&world)
        #expect(world.states["s"] == .finished)
        world.workers[MockWorld.peer("b")]?.lies = { _ in false }
        try world.restart()
        try world.hello(MockWorld.peer("b"))
        #expect(world.coordinator.machines.isSetAside("b"))
        try world.handle(.releaseMachine("b"))
        try world.hello(MockWorld.peer("b"))
        #expect(world.verdicts.isEmpty && !world.coordinator.machines.isSetAside("b"))
    }

    @Test func `a coordinator that is restarted in the midst goes on with what was claimed`() throws {
        for seed in (0..<8) as Range<UInt64> {
            var world = try begun(["a", "b", "c"], share: 1, secret: seed, liar: ("b", { $0.window >= 1 }))
            var random = SplitMix(state: seed)
            var restarts = 0
            try play(&world, seed) { world, turn in
                guard random.chance(20) else { return }
                try world.restart()
                restarts += 1
                for peer in world.workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
                    try world.hello(peer)
                }
            }
            #expect(world.states["s"] == .finished && world.verdicts == ["b"], "seed \(seed)")
            #expect(restarts > 2)
        }
    }

    @Test func `a machine that goes leaves its claims, and another one takes its part`() throws {
        for seed in (0..<8) as Range<UInt64> {
            var world = try begun(["a", "b", "c", "d"], share: 1, secret: seed, liar: ("b", { _ in true }))
            var random = SplitMix(state: seed)
            try play(&world, seed) { world, turn in
                guard turn < 40, random.chance(20) else { return }
                let id = ["a", "b", "c", "d"].randomElement(using: &random)!
                let peer = MockWorld.peer(id)
                world.workers[peer]?.tasks = [:]
                try world.handle(.peerLost(peer))
                if world.refusedPeers[peer] == nil { try world.hello(peer) }
            }
            #expect(
                world.states["s"] == .finished && world.verdicts.isSubset(of: ["b"]),
                "seed \(seed): \(situation(world))")
        }
    }

    @Test func `where the other machine goes for long, a window counts as it is`() throws {
        var world = try begun(["a", "b"], share: 1)
        try play(&world, turns: 6)
        let peer = MockWorld.peer("b")
        world.workers[peer] = nil
        try world.handle(.peerLost(peer))
        try play(&world)
        #expect(world.states["s"] == .finished && world.checksEnded > 0 && world.verdicts.isEmpty)
    }

    @Test func `cuts that were chosen by wrong tokens are chosen again`() throws {
        var withdrawn = 0
        for seed in (0..<12) as Range<UInt64> {
            var world = try begun(
                ["a", "b", "c"], share: 0.5, secret: seed,
                segmentation: Segmentation(count: 3, lead: 1, tail: 1, search: 0), liar: ("b", { $0.window >= 1 }))
            world.checksTruth = false
            try play(&world, seed)
            #expect(world.states["s"] == .finished, "seed \(seed): \(situation(world))")
            guard world.verdicts == ["b"] else { continue }
            #expect(try world.streams.keys.allSatisfy(world.isTrue), "seed \(seed)")
            withdrawn += world.withdrawn.count
        }
        #expect(withdrawn > 0, "\(withdrawn)")
    }

    @Test func `whichever claim is lost of windows that are compared, the song ends with the same tokens`() throws {
        var lost = 0
        for turns in [4, 8] {
            var world = try begun(["a", "b", "c"], share: 1)
            try play(&world, turns: turns)
            for (place, record) in world.journal.enumerated() {
                guard case .claimed = record else { continue }
                var again = try restarted(world, without: place)
                try play(&again)
                #expect(again.states["s"] == .finished, "without \(record): \(situation(again))")
                try again.checkEmpty()
                lost += 1
            }
        }
        #expect(lost > 10)
    }

    /// A coordinator that is started on a journal of which a record is lost; its workers go on with what they have.
    private func restarted(_ world: MockWorld, without place: Int) throws -> MockWorld {
        var records = world.journal
        records.remove(at: place)
        var dropped: [DroppedRecord] = []
        let coordinator = Coordinator(
            mending: records, settings: world.settings, now: world.now, dropped: &dropped)
        for drop in dropped.map(\.place).sorted(by: >) { records.remove(at: drop) }
        var again = MockWorld(world.settings)
        for record in records {
            // Of windows that are done, nobody looks at claims any more.
            if case .claimed = record {
                try? again.carryOut(.journal(record))
            } else {
                try again.carryOut(.journal(record))
            }
        }
        (again.coordinator, again.now, again.workers) = (coordinator, world.now, world.workers)
        for peer in again.workers.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            try again.hello(peer)
        }
        return again
    }
}
