import Foundation
import ModelTestSupport
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// From logits to a token.
@Suite struct TokenDrawTests {
    private func draw(
        _ logits: [Float], seed: UInt64 = 1, sample: Int = 0, level: Int = 0, position: Int = 0,
        filter: Filter = Filter(temperature: 1)
    ) throws -> Int {
        var logits = logits
        let count = logits.count
        let scratch = Buffer<UInt64>(count: 2 * count)
        return try logits.withUnsafeMutableBufferPointer {
            try TokenDraw(seed: seed, sample: sample, level: level, filter: filter).draw(
                $0.baseAddress!, count: count, position: position, scratch: scratch.pointer)
        }
    }

    private func softmax(_ logits: [Float], temperature: Double = 1) -> [Double] {
        let weights = logits.map { exp(Double($0) / temperature) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    private static let logits: [Float] = (0..<24).map { Float(sin(Double($0) * 1.7) * 2) }

    @Test func `a token is a function of seed, sample, level and position, and of each of them`() throws {
        func tokens(seed: UInt64 = 1, sample: Int = 0, level: Int = 0, shift: Int = 0) throws -> [Int] {
            try (0..<200).map { try draw(Self.logits, seed: seed, sample: sample, level: level, position: $0 + shift) }
        }
        let first = try tokens()
        #expect(try tokens() == first)
        for other in [
            try tokens(seed: 2), try tokens(seed: 1 << 40 | 1), try tokens(sample: 1), try tokens(level: 1),
        ] {
            // Unrelated draws agree as often as chance has it, about once in ten.
            #expect(zip(first, other).count { $0 == $1 } < 60)
        }
        #expect(try Array(tokens(shift: 1).dropLast()) == Array(first.dropFirst()))
        // In any order, from any thread.
        let backwards = try (0..<200).reversed().map { try draw(Self.logits, position: $0) }
        #expect(Array(backwards.reversed()) == first)
    }

    /// Draws at many positions against the softmax: chi-square over all values with a fair expectation.
    private func expectDistribution(
        _ filter: Filter, _ wanted: [Double], draws: Int = 20_000, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var counts = [Int](repeating: 0, count: wanted.count)
        for position in 0..<draws { counts[try draw(Self.logits, seed: 42, position: position, filter: filter)] += 1 }
        var chi = 0.0
        var cells = 0.0
        for (count, probability) in zip(counts, wanted) {
            let expected = probability * Double(draws)
            if probability == 0 { #expect(count == 0, sourceLocation: sourceLocation) }
            guard expected >= 5 else { continue }
            chi += (Double(count) - expected) * (Double(count) - expected) / expected
            cells += 1
        }
        // Mean cells − 1, standard deviation √(2 (cells − 1)): four of them above is one in ten thousand.
        #expect(
            chi < cells - 1 + 4 * (2 * (cells - 1)).squareRoot(), "\(chi) for \(cells) cells",
            sourceLocation: sourceLocation)
        #expect(cells > 1, sourceLocation: sourceLocation)
    }

    @Test(arguments: [1.0, 0.5, 2.0])
    func `draws are distributed as the softmax of logits over temperature`(_ temperature: Double) throws {
        try expectDistribution(
            Filter(temperature: Float(temperature)), softmax(Self.logits, temperature: temperature))
    }

    @Test func `different samples and levels are draws from the same distribution, independent of each other`() throws {
        var together = [Int](repeating: 0, count: 4)
        let logits: [Float] = [0, 0]
        for position in 0..<4000 {
            let a = try draw(logits, sample: 0, position: position)
            let b = try draw(logits, sample: 1, level: 2, position: position)
            together[2 * a + b] += 1
        }
        // Four cells of 1000 each; standard deviation 27.
        #expect(together.allSatisfy { abs($0 - 1000) < 120 }, "\(together)")
    }

    @Test(arguments: [1, 2, 5, 23])
    func `top_k keeps the k likeliest, and their proportions`(_ k: Int) throws {
        let kept = Set(Self.logits.indices.sorted { Self.logits[$0] > Self.logits[$1] }.prefix(k))
        let all = softmax(Self.logits)
        let sum = kept.reduce(0) { $0 + all[$1] }
        let wanted = all.indices.map { kept.contains($0) ? all[$0] / sum : 0 }
        if k == 1 {
            for position in 0..<500 {
                #expect(kept == [try draw(Self.logits, position: position, filter: Filter(temperature: 1, topK: 1))])
            }
        } else {
            try expectDistribution(Filter(temperature: 1, topK: k), wanted, draws: 6000)
        }
    }

    @Test func `top_k of all values or more changes nothing`() throws {
        for position in 0..<200 {
            let free = try draw(Self.logits, position: position)
            for k in [24, 25, 60_000] {
                #expect(try draw(Self.logits, position: position, filter: Filter(temperature: 1, topK: k)) == free)
            }
        }
    }

    @Test(arguments: [0.2, 0.5, 0.9])
    func `top_p keeps the likeliest until they have the probability p, and their proportions`(_ p: Double) throws {
        let all = softmax(Self.logits)
        var kept: Set<Int> = []
        var sum = 0.0
        for index in all.indices.sorted(by: { all[$0] > all[$1] }) {
            if sum > p { break }
            kept.insert(index)
            sum += all[index]
        }
        let wanted = all.indices.map { kept.contains($0) ? all[$0] / sum : 0 }
        try expectDistribution(Filter(temperature: 1, topP: Float(p)), wanted, draws: 6000)
    }

    @Test func `temperature comes before the filter`() throws {
        // At temperature 0.1 the best value alone has 90 %.
        let logits: [Float] = [1, 0.7, 0.5, 0]
        for position in 0..<300 {
            #expect(try draw(logits, position: position, filter: Filter(temperature: 0.1, topP: 0.8)) == 0)
        }
        let warm = try Set((0..<300).map { try draw(logits, position: $0, filter: Filter(temperature: 1, topP: 0.8)) })
        #expect(warm.count > 1)
    }

    @Test(arguments: [Float.nan, .infinity])
    func `logits that are not numbers are an error that names level and position`(_ value: Float) {
        var logits = Self.logits
        logits[7] = value
        for filter in [
            Filter(temperature: 1), Filter(temperature: 0.9), Filter(temperature: 1, topK: 3),
            Filter(temperature: 1, topP: 0.5),
        ] {
            #expect(
                unlessError("level 2", "position 99", "not numbers") {
                    _ = try draw(logits, level: 2, position: 99, filter: filter)
                } == nil)
        }
        #expect(unlessError("not numbers") { _ = try draw([-.infinity, -.infinity]) } == nil)
    }

    @Test func `values of no probability are never drawn`() throws {
        let logits: [Float] = [-.infinity, 0, -.infinity, 0]
        for position in 0..<200 { #expect([1, 3].contains(try draw(logits, position: position))) }
    }

    @Test(arguments: Fixture.originals)
    func `the filters leave what the original's leave`(_ fixture: Fixture) throws {
        let logits = try fixture.floats("filter.logits")
        for (name, filter) in [("top_k_10", 10.0), ("top_p_0.9", 0.9)] {
            var ours = logits
            let scratch = Buffer<UInt64>(count: 512)
            ours.withUnsafeMutableBufferPointer { rows in
                for row in 0..<64 {
                    let place = rows.baseAddress! + row * 256
                    if filter >= 1 {
                        filterTopK(place, count: 256, k: Int(filter))
                    } else {
                        filterTopP(place, count: 256, p: Float(filter), scratch: scratch.pointer)
                    }
                }
            }
            #expect(ours == (try fixture.floats("filter.\(name)")))
        }
    }
}
