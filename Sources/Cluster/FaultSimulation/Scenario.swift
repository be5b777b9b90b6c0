import CoordinatorCore
import SongPlan
import WorkerCore

/// What a seed's cluster is: its workers, settings and songs.
struct Scenario {
    let settings: Settings
    let session: Session.Settings
    let machines: [SimulatedWorker.Machine]
    let hasLiar: Bool
    private var dice: Dice
    private var submitted = 0
    /// Of songs, in eights of top-level tokens.
    private let lengths: ClosedRange<Int>

    /// - Parameter isShort: songs are, so that a seed takes less time.
    init(seed: UInt64, isShort: Bool) {
        lengths = isShort ? 2...3 : 3...8
        var dice = Dice(seed: seed, part: 1)
        hasLiar = dice.happens(0.15)
        let count = hasLiar ? dice.number(4...5) : dice.number(2...5)
        let step = dice.between(0.01, 0.04)
        let liar = hasLiar ? dice.number(0...count - 1) : -1
        machines = (0..<count).map { index in
            SimulatedWorker.Machine(
                slots: dice.number(1...4), step: step * dice.between(0.6, 2),
                lies: index == liar ? dice.pick([1, 0.5, 0.2]) : 0)
        }
        var settings = Settings(
            lease: .milliseconds(dice.number(15...40) * 100), heartbeat: .milliseconds(dice.number(3...6) * 100),
            chunk: dice.pick([4, 8, 8, 16]))
        settings.verifyShare = hasLiar ? 1 : dice.happens(0.2) ? 0.3 : 0
        settings.verifySecret = dice.next()
        // Where nobody else could compare a window in time, it counts as it is: a lie, too.
        settings.verifyPatience = hasLiar ? .seconds(3600) : .seconds(5)
        self.settings = settings
        session = Session.Settings(
            helloInterval: .milliseconds(dice.number(3...10) * 100),
            resendInterval: .milliseconds(dice.number(5...20) * 100))
        self.dice = dice
    }

    /// Another song, as a client hands it in.
    mutating func nextSong() -> Submission {
        submitted += 1
        let length = dice.number(lengths) * 8 * HashModel.geometry.lengthUnit
        let samples = dice.happens(0.25) ? 2 : 1
        var known = [0, 0, 0]
        if dice.happens(0.3) { known[2] = dice.number(1...min(20, length / HashModel.geometry.lengthUnit - 4)) }
        if known[2] > 0, dice.happens(0.4) { known[1] = dice.number(1...60) }
        var segmentation: Segmentation?
        if length >= (lengths.upperBound == 3 ? 24 : 48) * HashModel.geometry.lengthUnit, known[1] == 0,
            dice.happens(0.4)
        {
            segmentation = Segmentation(count: dice.number(2...3), lead: 2, tail: 1, search: dice.number(0...2))
        }
        return Submission(
            song: "song\(submitted)", model: HashModel.name, fingerprints: HashModel.fingerprints,
            planInputs: PlanInputs(
                geometry: HashModel.geometry, sampleLength: length, hops: [dice.pick([32, 48]), 32, 16], known: known,
                stopAt: dice.happens(0.15) ? 1 : 0, segmentation: segmentation),
            seed: dice.next(),
            filters: (0..<3).map { _ in
                Filter(temperature: Float(dice.number(90...110)) / 100, topK: dice.number(0...2))
            },
            labels: (0..<samples).map { _ in (0..<3).map { _ in HashModel.labels(&dice, length: length) } },
            numbers: samples == 2 && dice.happens(0.5) ? [7, 3] : nil, priority: dice.number(0...2),
            awaitsTokens: known != [0, 0, 0])
    }
}
