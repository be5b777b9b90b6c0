import SongPlan
import Testing

struct SegmentTests {
    private static let seconds = 44100 / 128 * 128

    private func plan(
        _ choice: SegmentChoice, length: Int = 24 * seconds, known: [Int] = [0, 0, 0], stopAt: Int = 0,
        slots: Int = 0
    ) throws -> Plan {
        let geometry = Models.published
        return try Plan(
            geometry: geometry, sampleLength: length, hops: [4096, 4096, 768], known: known, stopAt: stopAt,
            segmentation: Segmentation.standard(
                choice, length: Plan.lengthToCut(sampleLength: length, known: known, geometry: geometry),
                geometry: geometry, slots: slots))
    }

    /// Each segment is a chain of its own: windows without gap, the first without a prime, slices above that exist.
    private func check(_ plan: Plan) throws {
        for level in plan.levels {
            #expect(level.segments.first?.range.lowerBound == 0 && level.segments.last?.range.upperBound == level.total)
            for segment in level.segments {
                var have = segment.range.lowerBound + segment.known
                for (index, window) in segment.windows.enumerated() {
                    #expect(window.index == index && window.new.lowerBound == have)
                    #expect(window.range.lowerBound >= segment.range.lowerBound)
                    have = window.new.upperBound
                    guard let above = window.above, let ratio = plan.geometry.levels[level.level].tokensPerUpperToken
                    else { continue }
                    let upper = plan.levels[level.level + 1]
                    let own = upper.segments[upper.segments.count == 1 ? 0 : level.segments.firstIndex(of: segment)!]
                    #expect(above.lowerBound * ratio == window.range.lowerBound)
                    #expect(own.range.lowerBound <= above.lowerBound && above.upperBound <= own.range.upperBound)
                    checkParts(of: above, upper, plan, own: upper.segments.firstIndex(of: own)!)
                }
                #expect(have == segment.range.upperBound)
            }
        }
    }

    /// A slice is made of parts of its own segment and those beside it, which have them, each up to their common cut.
    private func checkParts(of slice: Range<Int>, _ level: LevelPlan, _ plan: Plan, own: Int) {
        var end = slice.lowerBound
        for (number, segment) in level.segments.enumerated() {
            let part = plan.part(of: slice, level: level.level, segment: number)
            guard !part.isEmpty else { continue }
            #expect(abs(number - own) <= 1 && part.lowerBound == end)
            #expect(segment.range.lowerBound <= part.lowerBound && part.upperBound <= segment.range.upperBound)
            end = part.upperBound
            let ratio = plan.geometry.lengthUnit / plan.geometry.levels[level.level].samplesPerToken
            #expect(end == slice.upperBound || end == plan.cuts[number] * ratio)
        }
        #expect(end == slice.upperBound)
    }

    @Test func `what waits for tokens across a cut is on the path of the window that brings them`() throws {
        // Segments of a little more than one window of level 1.
        let plan = try plan(.count(4), length: 25 * Self.seconds)
        let paths = CriticalPaths(plan)
        var waiting = 0
        for (number, upper) in plan.levels[1].segments.enumerated() {
            for (beside, lower) in plan.levels[0].segments.enumerated() where abs(beside - number) == 1 {
                for window in lower.windows {
                    let part = plan.part(of: window.above!, level: 1, segment: number)
                    for source in upper.windows where !part.isEmpty && source.new.contains(part.upperBound - 1) {
                        waiting += 1
                        #expect(
                            paths.length(level: 1, segment: number, window: source.index)
                                > paths.length(level: 0, segment: beside, window: window.index))
                    }
                }
            }
        }
        #expect(waiting >= 6)
    }

    @Test func `segments overlap around their cuts, at every level, and the top is whole`() throws {
        let plan = try plan(.count(8))
        #expect(plan.cuts.count == 7 && plan.levels.map(\.segments.count) == [8, 8, 1])
        let segmentation = try #require(plan.segmentation)
        for (seam, cut) in plan.cuts.enumerated() {
            for (level, ratio) in [16, 4].enumerated() {
                let overlap = plan.overlap(ofCut: seam, level: level)
                #expect(overlap == (cut - segmentation.lead) * ratio..<(cut + segmentation.tail) * ratio)
            }
        }
        try check(plan)
    }

    @Test func `a cut that moves within its room leaves every chain whole`() throws {
        var plan = try plan(.count(8))
        for (seam, ends) in [(0, true), (1, false), (2, true), (6, true)] {
            let room = plan.room(ofCut: seam)
            plan.move(cut: seam, to: ends ? room.upperBound : room.lowerBound)
            try check(plan)
        }
        #expect(plan.cuts == plan.cuts.sorted())
    }

    @Test func `one segment is exact mode, and auto depends on the length and the slots`() throws {
        let one = try plan(.count(1))
        #expect(one.segmentation == nil && one.levels.allSatisfy { $0.segments.count == 1 })
        #expect(try one == Models.plan(Models.published, length: 24 * Self.seconds, fractions: [0.5, 0.5, 0.125]))
        #expect(try plan(.auto).cuts.count == 1)
        let long = 240 * Self.seconds
        #expect(try plan(.auto, length: long).cuts.count == 28)
        #expect(try plan(.auto, length: long, slots: 8).cuts.count == 28)
        #expect(try plan(.auto, length: long, slots: 64).cuts.count == 63)
        // No segment is shorter than seven overlaps or 2.5 s, whatever the cluster.
        #expect(try plan(.auto, length: long, slots: 1000).cuts.count == 94)
    }

    @Test func `no cut falls into a prompt`() throws {
        let known = [5 * 5_512, 5 * 1_378, 5 * 344]
        let plan = try plan(.count(4), known: known)
        #expect(plan.room(ofCut: 0).lowerBound - plan.segmentation!.lead >= 5 * 344)
        #expect(plan.levels[0].segments.map(\.known) == [known[0], 0, 0, 0])
        try check(plan)
    }

    @Test func `a level that is known or not wanted is not cut`() throws {
        let total = 24 * Self.seconds / 32
        let known = try plan(.count(4), known: [0, total, total / 4])
        #expect(known.levels.map(\.segments.count) == [4, 1, 1])
        try check(known)
        #expect(try plan(.count(4), stopAt: 1).levels.map(\.segments.count) == [1, 4, 1])
    }

    @Test func `too many segments are refused with the most that work`() throws {
        let error = #expect(throws: GeometryError.self) { try plan(.count(500)) }
        let most = try #require(error?.description.split(separator: " ").compactMap { Int($0) }.last)
        try check(try plan(.count(most)))
        #expect(throws: GeometryError.self) { try plan(.count(most + 1)) }
        #expect(throws: GeometryError.self) { try plan(.count(0)) }
    }
}
