import ClusterSimulation
import CoordinatorCore
import SongPlan
import Testing

/// The published geometry: 8, 32 and 128 audio samples a token, windows of 8192.
enum Published {
    static let geometry = ModelGeometry(
        sampleRate: 44_100,
        levels: [
            LevelGeometry(samplesPerToken: 8, windowLength: 8192, codes: 2048, tokensPerUpperToken: 4),
            LevelGeometry(samplesPerToken: 32, windowLength: 8192, codes: 2048, tokensPerUpperToken: 4),
            LevelGeometry(samplesPerToken: 128, windowLength: 8192, codes: 2048, tokensPerUpperToken: nil),
        ], timing: nil)

    /// - Parameter isUpsampled: the top level is there from the start.
    static func song(
        _ id: SongID = "s", seconds: Int, samples: Int = 1, priority: Int = 0, isUpsampled: Bool = false
    ) -> Submission {
        let length = seconds * 44_100 / 128 * 128
        let inputs = PlanInputs(
            geometry: geometry, sampleLength: length, hops: [4096, 4096, 1024],
            known: [0, 0, isUpsampled ? length / 128 : 0])
        return Submission(
            song: id, model: "published", fingerprints: [0: "0", 1: "1", 2: "2"], planInputs: inputs, seed: 1,
            filters: Array(repeating: Filter(temperature: 1), count: 3),
            labels: Array(repeating: [nil, nil, nil], count: samples), priority: priority, awaitsTokens: isUpsampled)
    }

    static func workers(_ text: String) throws -> [WorkerSpecification] { try .init(parsing: text, usual: 100) }
}

struct SimulationTests {
    private func run(
        _ songs: [Submission], _ workers: String, prefillGain: Double = 1e9, estimateAt: Double? = nil
    ) throws -> Simulation.Result {
        try Simulation(
            songs: songs, workers: Published.workers(workers),
            settings: .init(prefillGain: prefillGain, events: 2000)
        ).run(estimateAt: estimateAt)
    }

    @Test func `one worker takes as long as all tokens, and two no longer than the longest chain`() throws {
        let song = Published.song(seconds: 60)
        let plan = try song.planInputs.plan()
        let one = try run([song], "1@100")
        #expect(abs(one.seconds * 100 / Double(plan.newTokens) - 1) < 0.001)
        #expect(one.leases.allSatisfy(\.isDone) && one.leases.reduce(0) { $0 + $1.tokens } == plan.newTokens)
        // Exact mode: the longest chain, and no more than a twentieth beside it.
        let bound = Double(max(CriticalPaths(plan).longest, plan.newTokens / 2)) / 100
        let two = try run([song], "2@100")
        #expect(two.seconds >= bound * 0.999 && two.seconds <= bound / 0.95, "\(two.seconds) against \(bound)")
        // Many workers gain what the chain leaves: 1.3 times, whatever they are.
        let many = try run([song], "16@100")
        #expect(one.seconds / many.seconds > 1.2 && one.seconds / many.seconds < 1.35)
    }

    @Test func `the same songs and workers give the same plan`() throws {
        let songs = [Published.song("a", seconds: 30, samples: 2), Published.song("b", seconds: 20)]
        let (first, second) = (try run(songs, "3x1,1x0.3/2"), try run(songs, "3x1,1x0.3/2"))
        #expect(first.leases == second.leases && first.seconds == second.seconds)
    }

    @Test func `a worker's slots share its speed, a lone window has more than its share`() throws {
        let worker = try Published.workers("1@40-100/8")[0]
        #expect(worker.speedOfSlot(busy: 1) == 40)
        #expect(abs(worker.speedOfSlot(busy: 8) * 8 - 100) < 1e-9)
        #expect(worker.speedOfSlot(busy: 4) * 4 < 100 && worker.speedOfSlot(busy: 4) < 40)
        let song = Published.song(seconds: 20, samples: 8)
        let tokens = Double(try song.planInputs.plan().newTokens * 8)
        let together = try run([song], "1@40-100/8")
        #expect(abs(together.seconds * 100 / tokens - 1) < 0.1)
    }

    @Test func `one worker in eight ten times slower costs a tenth at most`() throws {
        let songs = [Published.song(seconds: 60, samples: 8)]
        let total = try songs.reduce(0) { try $0 + $1.planInputs.plan().newTokens * $1.samples }
        let slow = try run(songs, "7@100,1@10")
        let without = try run(songs, "7@100")
        let ideal = Double(total) / 710
        print("one in eight ten times slower: \(slow.seconds) s, without it \(without.seconds), ideal \(ideal)")
        #expect(slow.seconds <= 1.1 * ideal)
        #expect(slow.seconds <= without.seconds * 1.01)
        #expect(slow.leases.contains { !$0.isDone }, "no copy was made: the test cannot fail")
    }

    @Test func `without copies, too, a slow worker is given nothing that all others would wait for`() throws {
        let song = Published.song(seconds: 60, samples: 8)
        var settings = Simulation.Settings(prefillGain: 1e9, events: 2000)
        settings.copyGain = .infinity
        let slow = try Simulation(songs: [song], workers: Published.workers("7@100,1@10"), settings: settings).run()
        print("without copies: \(slow.seconds) s")
        // A window that the slow worker begins while all others are busy moves to one of them; nobody samples it twice.
        for lease in slow.leases where !lease.isDone {
            let others = slow.leases.filter { $0.task == lease.task && $0.isDone }
            #expect(lease.worker == 7 && others.allSatisfy { $0.start >= lease.end })
        }
        let ideal = Double(try song.planInputs.plan().newTokens * 8) / 710
        #expect(slow.seconds < 1.1 * ideal)
    }

    @Test func `segments keep sixty-four workers busy where exact mode cannot`() throws {
        let exact = Published.song(seconds: 240, isUpsampled: true)
        var cut = exact
        let inputs = exact.planInputs
        cut.planInputs.segmentation = try Segmentation.standard(
            .auto,
            length: Plan.lengthToCut(
                sampleLength: inputs.sampleLength, known: inputs.known, geometry: inputs.geometry),
            geometry: inputs.geometry, overlap: Segmentation.usualOverlap, slots: 64)
        #expect(try efficiency([cut], "64@100") > 0.85)
        let result = try run([cut], "64@100", prefillGain: 8)
        #expect(result.seconds < Double(CriticalPaths(try inputs.plan()).longest) / 100 / 20)
    }

    @Test func `towards the end slow workers do not keep the longest chains`() throws {
        // Exact songs, each a chain or two; and about as many segments as workers of three speeds.
        var chains = (0..<4).map { Published.song("s\($0)", seconds: 60, isUpsampled: true) }
        #expect(try efficiency(chains, "3x1,3x0.5") > 0.8, "0.72 when slow workers take what is next")
        for song in chains.indices {
            chains[song].planInputs.segmentation = try Segmentation.standard(
                .count(16), length: 60 * 44_100 / 128, geometry: Published.geometry,
                overlap: Segmentation.usualOverlap)
        }
        #expect(try efficiency(Array(chains.prefix(2)), "12x1,10x0.7,9x0.5") > 0.87, "0.83 likewise")
        // More workers than chains, so that slow ones idle and decline every copy: fast ones take them when they are free.
        for song in chains.indices {
            chains[song].planInputs.segmentation = try Segmentation.standard(
                .count(14), length: 60 * 44_100 / 128, geometry: Published.geometry,
                overlap: Segmentation.usualOverlap)
        }
        #expect(try efficiency(Array(chains.prefix(2)), "12x1,10x0.7,9x0.5") > 0.8, "0.75 if they wait for a check")
    }

    /// Of the workers' time, what exact mode needs: as Docs/Measurements/Scheduling.md counts.
    private func efficiency(_ songs: [Submission], _ workers: String) throws -> Double {
        let work = try songs.reduce(0.0) { sum, song in
            var inputs = song.planInputs
            inputs.segmentation = nil
            return try inputs.plan().levels.flatMap(\.windows).reduce(sum) {
                $0 + Double($1.new.count) + Double($1.prime.count) / 8
            }
        }
        let specifications = try Published.workers(workers)
        let result = try Simulation(
            songs: songs, workers: specifications, settings: .init(prefillGain: 8, events: 20_000)
        ).run()
        let efficiency = work / (specifications.tokensPerSecond * result.seconds)
        print("\(songs.count) songs on \(workers): \(efficiency)")
        return efficiency
    }

    @Test func `a worker that is lost or comes late is counted for the time that it is there`() throws {
        let song = Published.song(seconds: 60, samples: 8)
        let tokens = Double(try song.planInputs.plan().newTokens * 8)
        func seconds(_ workers: [WorkerSpecification]) throws -> Simulation.Result {
            try Simulation(songs: [song], workers: workers, settings: .init(prefillGain: 1e9, events: 2000)).run()
        }
        let usual = WorkerSpecification(tokensPerSecond: 100)
        var (lost, late) = (usual, usual)
        lost.goes = tokens / 800
        late.comes = tokens / 800
        let withLoss = try seconds([usual, lost])
        // A quarter is done by both, the rest by one; what the lost one had not handed in is done again.
        #expect(abs(withLoss.seconds * 100 / tokens - 0.875) < 0.02, "\(withLoss.seconds)")
        #expect(withLoss.leases.contains { $0.worker == 1 && !$0.isDone }, "nothing was taken from the lost one")
        #expect(withLoss.leases.allSatisfy { $0.worker == 0 || $0.end <= lost.goes! + 1e-6 })
        let withLate = try seconds([usual, late])
        #expect(abs(withLate.seconds * 100 / tokens - 0.5625) < 0.02, "\(withLate.seconds)")
        #expect(try seconds([lost]).seconds == .infinity)
    }

    @Test func `a tenth of all workers that dies at once and comes again costs a twentieth at most`() throws {
        let songs = [Published.song(seconds: 60, samples: 400)]
        let undisturbed = try run(songs, "200@100")
        let (death, pause) = (undisturbed.seconds * 0.4, 60.0)
        var workers = try Published.workers("200@100")
        for number in 0..<23 { workers[number * 8].goes = death }
        workers += (0..<23).map { _ in WorkerSpecification(tokensPerSecond: 100, comes: death + pause) }
        let result = try Simulation(
            songs: songs, workers: workers, settings: .init(prefillGain: 1e9, events: 20_000)
        ).run()
        let lost = result.leases.filter { lease in
            lease.worker < 200 && workers[lease.worker].goes != nil && !lease.isDone
        }
        print("23 of 200 died: \(result.seconds) s, undisturbed \(undisturbed.seconds) s, \(lost.count) leases lost")
        #expect(lost.count >= 23, "nothing was lost: the test cannot fail")
        #expect(result.seconds <= 1.05 * undisturbed.seconds)
    }

    @Test func `songs of a higher priority end first, and equal ones together`() throws {
        let songs = [
            Published.song("low", seconds: 30, samples: 4), Published.song("a", seconds: 30, samples: 4, priority: 1),
            Published.song("b", seconds: 30, samples: 4, priority: 1),
        ]
        let result = try run(songs, "4@100")
        let (low, a, b) = (result.ends["low"]!, result.ends["a"]!, result.ends["b"]!)
        #expect(low > max(a, b) * 1.3)
        #expect(abs(a / b - 1) < 0.1, "\(a) and \(b)")
    }

    @Test func `the time left is told from measured speeds`() throws {
        for (workers, samples) in [("4@100", 8), ("6@100,2@20", 4), ("2@100", 1), ("3@40-100/4", 6)] {
            let song = Published.song(seconds: 60, samples: samples)
            let whole = try run([song], workers).seconds
            let at = whole * 0.3
            let result = try run([song], workers, estimateAt: at)
            let (time, left) = try #require(result.estimates.first)
            // A slot's speed depends on how many are busy, which changes towards the end.
            let tolerance = workers.contains("/") ? 0.4 : 0.25
            #expect(abs(left / (whole - time) - 1) < tolerance, "\(workers): \(left) s told at \(time) of \(whole)")
        }
    }

    @Test func `lists of workers are read, and what is wrong is shown beside what is right`() throws {
        #expect(try Published.workers("2x1,1x0.5").map(\.tokensPerSecond) == [100, 100, 50])
        #expect(
            try Published.workers("3@900-2500/8")
                == Array(repeating: .init(slots: 8, tokensPerSecond: 2500, alone: 900), count: 3))
        #expect(try Published.workers("2,1x2/4") == Published.workers("2x1,1x2/4"))
        #expect(try Published.workers("3/2") == Published.workers("3x1/2"))
        for text in [
            "", "x", "0", "2/", "2/x", "-1", "1xnan", "1x1e308", "1@1e-300", "0x1", "4@", "4@-1", "2@0", "1@5-4/2",
            "1@1-9/8", "4@5/0", "many",
        ] {
            #expect(throws: WorkerSpecificationError.self, "\(text)") { try Published.workers(text) }
        }
    }

    /// Whatever the workers, nothing is lost, done twice without need, or left.
    @Test func `random clusters sample every token once, in no less time than there is`() throws {
        for seed in UInt64(0)..<20 {
            var random = SplitMix(state: seed)
            let workers = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                WorkerSpecification(
                    slots: Int.random(in: 1...4, using: &random),
                    tokensPerSecond: Double.random(in: 20...400, using: &random))
            }
            let songs = (0..<Int.random(in: 1...5, using: &random)).map { number in
                Published.song(
                    "s\(number)", seconds: Int.random(in: 5...40, using: &random),
                    samples: Int.random(in: 1...3, using: &random), isUpsampled: Bool.random(using: &random))
            }
            var settings = Simulation.Settings(events: 500)
            settings.isAudited = true
            let result = try Simulation(songs: songs, workers: workers, settings: settings).run()
            #expect(result.faults.isEmpty, "seed \(seed): \(result.faults.prefix(3))")
            #expect(result.ends.count == songs.count, "seed \(seed)")
            var windows = 0
            var least = 0.0
            for song in songs {
                let plan = try song.planInputs.plan()
                windows += plan.levels.reduce(0) { $0 + $1.windows.count } * song.samples
                least += Double(plan.newTokens * song.samples)
            }
            #expect(result.leases.count(where: \.isDone) == windows, "seed \(seed)")
            #expect(result.seconds >= least / workers.tokensPerSecond * 0.999, "seed \(seed)")
            #expect(result.busy.allSatisfy { $0 <= 1.0001 }, "seed \(seed)")
        }
    }
}

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
}
