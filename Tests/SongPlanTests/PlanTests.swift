import SongPlan
import Testing

/// Geometries of the example models and of the published one.
enum Models {
    static func threeLevels(windows: [Int], codes: Int = 128) -> ModelGeometry {
        ModelGeometry(
            sampleRate: 44100,
            levels: [
                LevelGeometry(
                    samplesPerToken: 8, windowLength: windows[0], codes: codes, tokensPerUpperToken: 4),
                LevelGeometry(
                    samplesPerToken: 32, windowLength: windows[1], codes: codes, tokensPerUpperToken: 4),
                LevelGeometry(
                    samplesPerToken: 128, windowLength: windows[2], codes: codes, tokensPerUpperToken: nil),
            ], timing: TimingRange(minimumTotal: 786_432, maximumTotal: 26_460_000))
    }

    static let twoLevels = ModelGeometry(
        sampleRate: 22050,
        levels: [
            LevelGeometry(samplesPerToken: 32, windowLength: 256, codes: 96, tokensPerUpperToken: 8),
            LevelGeometry(samplesPerToken: 256, windowLength: 64, codes: 96, tokensPerUpperToken: nil),
        ], timing: nil)

    /// The published `1b_lyrics`.
    static let published = threeLevels(windows: [8192, 8192, 6144], codes: 2048)

    static func plan(
        _ geometry: ModelGeometry, length: Int, fractions: [Double], known: [Int]? = nil, stopAt: Int = 0
    ) throws -> Plan {
        let hops = try fractions.enumerated().map {
            try GeometryCheck.hop(fraction: $0.element, level: $0.offset, geometry)
        }
        return try Plan(
            geometry: geometry, sampleLength: length, hops: hops,
            known: known ?? Array(repeating: 0, count: hops.count), stopAt: stopAt)
    }
}

struct PlanTests {
    /// A run of the original code: lengths, hop fractions, and where it started its windows.
    struct Scenario: CustomTestStringConvertible {
        var testDescription: String
        var geometry: ModelGeometry
        var length: Int
        var fractions: [Double]
        var starts: [[Int]]
    }

    static let scenarios = [
        Scenario(
            testDescription: "lyrics-single", geometry: Models.threeLevels(windows: [256, 256, 96]),
            length: 16384, fractions: [0.5, 0.5, 0.125],
            starts: [Array(stride(from: 0, through: 1792, by: 128)), [0, 128, 256], [0, 12, 24, 32]]),
        Scenario(
            testDescription: "lyrics-encdec", geometry: Models.threeLevels(windows: [128, 256, 64]),
            length: 16384, fractions: [0.5, 0.25, 0.25],
            starts: [
                Array(stride(from: 0, through: 1920, by: 64)), [0, 64, 128, 192, 256], [0, 16, 32, 48, 64],
            ]),
        Scenario(
            testDescription: "no-lyrics", geometry: Models.threeLevels(windows: [256, 256, 128]),
            length: 16384, fractions: [0.5, 0.5, 0.5],
            starts: [Array(stride(from: 0, through: 1792, by: 128)), [0, 128, 256], [0]]),
        Scenario(
            testDescription: "two-level-unlabelled", geometry: Models.twoLevels, length: 32768,
            fractions: [0.5, 0.5], starts: [Array(stride(from: 0, through: 768, by: 128)), [0, 32, 64]]),
    ]

    @Test(arguments: scenarios)
    func `windows start where the original starts them`(_ scenario: Scenario) throws {
        let plan = try Models.plan(scenario.geometry, length: scenario.length, fractions: scenario.fractions)
        #expect(plan.levels.map { $0.windows.map(\.range.lowerBound) } == scenario.starts)
        try check(plan)
    }

    /// What every plan must keep: new tokens without gap or overlap, primes and slices that exist.
    private func check(_ plan: Plan) throws {
        for level in plan.levels {
            var have = level.known
            for (index, window) in level.windows.enumerated() {
                #expect(window.index == index)
                #expect(window.new.lowerBound == have && !window.new.isEmpty)
                #expect(window.new.upperBound == window.range.upperBound)
                #expect(window.prime == window.range.lowerBound..<have)
                #expect(window.range.count <= plan.geometry.levels[level.level].windowLength)
                have = window.new.upperBound
                guard let ratio = plan.geometry.levels[level.level].tokensPerUpperToken else {
                    #expect(window.above == nil)
                    continue
                }
                let above = try #require(window.above)
                #expect(above.lowerBound * ratio == window.range.lowerBound)
                #expect(above.upperBound * ratio >= window.range.upperBound)
                #expect(above.upperBound <= plan.levels[level.level + 1].total)
            }
            #expect(have == level.total)
            #expect(level.newTokens == level.total - level.known)
        }
        #expect(plan.newTokens == plan.levels.reduce(0) { $0 + $1.newTokens })
    }

    @Test func `a published song of 180 seconds`() throws {
        let length = 180 * 44100 / 128 * 128
        let plan = try Models.plan(Models.published, length: length, fractions: [0.5, 0.5, 0.125])
        #expect(plan.levels.map(\.total) == [992_240, 248_060, 62_015])
        let starts = plan.levels.map {
            Plan.starts(
                total: $0.total, windowLength: plan.geometry.levels[$0.level].windowLength, hop: $0.hop)
        }
        #expect(starts.map(\.count) == [242, 60, 74])
        let usual = try Models.plan(
            Models.threeLevels(windows: [8192, 8192, 8192]), length: length, fractions: [0.5, 0.5, 0.125])
        #expect(usual.levels.map(\.windows.count) == [242, 60, 54])
        try check(plan)
        try check(usual)
    }

    @Test func `a song shorter than a window has one partial window`() throws {
        let plan = try Models.plan(Models.published, length: 128 * 100, fractions: [0.5, 0.5, 0.125])
        #expect(plan.levels.map(\.windows.count) == [1, 1, 1])
        #expect(plan.levels.map { $0.windows[0].range } == [0..<1600, 0..<400, 0..<100])
        try check(plan)
    }

    @Test(arguments: 0...128)
    func `known tokens are the prime of the first window and are not sampled again`(known: Int) throws {
        let geometry = Models.threeLevels(windows: [256, 256, 96])
        let plan = try Models.plan(
            geometry, length: 16384, fractions: [0.5, 0.5, 0.125], known: [0, known * 3, known])
        #expect(plan.levels[2].windows.first?.new.lowerBound == (known == 128 ? nil : known))
        #expect(plan.newTokens == 2048 + 512 - known * 3 + 128 - known)
        try check(plan)
    }

    @Test func `levels below the one to stop at have no windows`() throws {
        let geometry = Models.threeLevels(windows: [256, 256, 96])
        let plan = try Models.plan(geometry, length: 16384, fractions: [0.5, 0.5, 0.125], stopAt: 1)
        #expect(plan.levels.map(\.windows.isEmpty) == [true, false, false])
        #expect(plan.levels[0].total == 0)
        try check(plan)
    }
}
