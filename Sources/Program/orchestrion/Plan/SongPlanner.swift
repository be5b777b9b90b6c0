import ClusterSimulation
import CoordinatorCore
import Foundation
import JukeboxModel
import SongPlan
import Synchronization

/// Runs simulations of one song.
struct SongPlanner {
    var planned: PlannedSong
    /// Tokens a second of a usual worker at the cheapest level.
    var usual: Double
    var costs: [Double]
    var prefillGain: Double
    var songs: Int
    var profile: NumericProfile
    /// In chunks as short as the protocol's.
    var isFine: Bool

    func simulate(_ submission: Submission, _ workers: [WorkerSpecification]) throws -> Simulation.Result {
        try simulate(songs, submission, workers, events: isFine ? .max : Simulation.Settings().events)
    }

    private func simulate(
        _ count: Int, _ submission: Submission, _ workers: [WorkerSpecification], events: Int
    ) throws -> Simulation.Result {
        let songs = (0..<count).map { number in
            var song = submission
            song.song = "song \(number)"
            return song
        }
        let settings = Simulation.Settings(costs: costs, prefillGain: prefillGain, events: events)
        return try Simulation(songs: songs, workers: workers, settings: settings).run()
    }

    /// A smaller simulation that says the same: some of the songs on some of the workers, and how often that happens one
    /// after the other.
    private struct Case: Hashable {
        var submission: Int
        var songs: Int
        /// The first of all.
        var workers: Int
        var rounds: Int
    }

    /// No more workers than there are chains, if the others are no faster. Of equal workers: where songs and workers are
    /// several groups that are alike, one of these; of several rounds of a song for each slot one; and only as many
    /// songs as give every slot plenty of chains.
    private func smallest(_ number: Int, _ submission: Submission, _ workers: ArraySlice<WorkerSpecification>)
        throws -> Case
    {
        let plan = try submission.planInputs.plan()
        let columns = plan.levels.reduce(0) { $0 + $1.segments.count { !$0.windows.isEmpty } }
        var some = workers.prefix(columns * submission.samples * songs)
        let slowest = some.map(\.alone).min() ?? 0
        if !workers.dropFirst(some.count).allSatisfy({ $0.alone <= slowest }) { some = workers }
        guard Set(some).count == 1, let one = some.first else {
            return Case(submission: number, songs: songs, workers: some.count, rounds: 1)
        }
        let groups = Self.commonDivisor(songs, some.count)
        let (songs, count) = (songs / groups, some.count / groups)
        let slots = count * one.slots
        let chains = submission.samples * (plan.levels.map(\.segments.count).max() ?? 1)
        let fewer = (1...songs).first {
            songs.isMultiple(of: $0) && ($0 == slots || $0 * chains >= Self.plenty * slots)
        }
        return Case(
            submission: number, songs: fewer ?? songs, workers: count, rounds: songs / (fewer ?? songs))
    }

    private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

    /// Chains for each slot after which the end of a simulation counts little.
    private static let plenty = 8

    /// Chunks of a simulation that need not be drawn, nor right to a per cent.
    private static let coarse = 4000

    /// Seconds with as many usual workers as can ever have work: the longest chain, with its prefill.
    private func chainSeconds() throws -> Double {
        let windows = planned.plan.levels.reduce(0) { $0 + $1.windows.count } * planned.submission.samples
        let usual = WorkerSpecification(tokensPerSecond: usual)
        return try Simulation(
            songs: [planned.submission], workers: Array(repeating: usual, count: min(256, max(1, windows))),
            settings: .init(costs: costs, prefillGain: prefillGain, events: Self.coarse)
        ).run().seconds
    }

    /// For 1, 2, 4 … (or 1, 4, 16 …) of the first workers, and for all.
    func table(_ workers: [WorkerSpecification]) throws -> (PlanTable, Simulation.Result) {
        let work = try exactWork()
        // For a large cluster every other power of two.
        let factor = workers.count > 64 ? 4 : 2
        var counts = [workers.count]
        var count = 1
        while count < workers.count {
            counts.insert(count, at: counts.count - 1)
            count *= factor
        }
        let submissions = [planned.submission, planned.other].compactMap { $0 }
        let (times, drawn) = try simulate(submissions, workers, counts: counts)
        let rows = try times.enumerated().map { index, time in
            let submission = submissions[index / counts.count]
            let some = Array(workers.prefix(counts[index % counts.count]))
            let seconds = max(1e-9, time)
            return PlanTable.Row(
                workers: some.count, segments: try submission.planInputs.plan().cuts.count + 1,
                tokensPerSecond: some.tokensPerSecond, seconds: seconds,
                efficiency: work / (some.tokensPerSecond * seconds),
                speedup: times[index / counts.count * counts.count] / seconds)
        }
        let priors = planned.hyperparameters.priors
        let vqvae = planned.hyperparameters.vqvae
        let levels = planned.plan.levels.map {
            PlanTable.Level(
                level: $0.level, windows: $0.windows.count, newTokens: $0.newTokens, cost: costs[$0.level])
        }
        let tokens = planned.plan.levels.reduce(0) { $0 + $1.total } * planned.submission.samples * songs
        let table = PlanTable(
            model: planned.name,
            songSeconds: Double(planned.plan.sampleLength) / Double(planned.plan.geometry.sampleRate),
            samples: planned.submission.samples, songs: songs, levels: levels,
            chainSeconds: try chainSeconds(), workSeconds: work / usual,
            workerBytes: priors.reduce(0) { $0 + $1.weightBytes(vqvae: vqvae, profile: profile) },
            bytesPerSlot: priors.map { $0.bytesPerSequence(vqvae: vqvae, profile: profile) }.max() ?? 0,
            // Tokens, and those that are copied when a level is written.
            coordinatorBytes: tokens * 2 * 3, rows: rows)
        return (table, drawn)
    }

    /// The times of all rows of submissions and numbers of workers, simulated on all processors, and one of them in
    /// detail, that one first, then the largest.
    private func simulate(
        _ submissions: [Submission], _ workers: [WorkerSpecification], counts: [Int]
    ) throws -> (times: [Double], drawn: Simulation.Result) {
        let rows = try submissions.enumerated().flatMap { number, submission in
            try counts.map { try smallest(number, submission, workers.prefix($0)) }
        }
        // What several rows ask for is simulated once, and what is drawn is not simulated again.
        let cases = Set(rows).subtracting([rows[counts.count - 1]]).sorted { $0.workers > $1.workers }
        let detail = Mutex<Result<Simulation.Result, any Error>?>(nil)
        let times = Mutex<[Case: Result<Double, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: cases.count + 1) { turn in
            if turn == 0 {
                let result = Result { try simulate(submissions[0], workers) }
                detail.withLock { $0 = result }
            } else {
                let item = cases[turn - 1]
                let time = Result {
                    try simulate(
                        item.songs, submissions[item.submission], Array(workers.prefix(item.workers)),
                        events: isFine ? .max : Self.coarse
                    ).seconds * Double(item.rounds)
                }
                times.withLock { $0[item] = time }
            }
        }
        let drawn = try detail.withLock { try $0!.get() }
        return (try times.withLock { times in try rows.map { try times[$0]?.get() ?? drawn.seconds } }, drawn)
    }

    /// Tokens of the plainest level that all songs cost in exact mode, prefill included.
    private func exactWork() throws -> Double {
        var inputs = planned.submission.planInputs
        inputs.segmentation = nil
        let work = try inputs.plan().levels.reduce(0.0) { sum, level in
            level.windows.reduce(sum) {
                $0 + costs[level.level] * (Double($1.new.count) + Double($1.prime.count) / prefillGain)
            }
        }
        return work * Double(planned.submission.samples * songs)
    }
}
