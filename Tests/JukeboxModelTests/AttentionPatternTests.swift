import JukeboxModel
import ModelTestSupport
import Testing

/// Which layer attends to what.
@Suite struct AttentionPatternTests {
    private func patterns(order: Int, depth: Int) throws -> [Int] {
        var shape = try Hyperparameters(preset: "tiny").priors[2].transformer(codes: 256)
        shape.order = order
        return (0..<depth).map { shape.pattern(layer: $0).rawValue }
    }

    @Test func `order 0 is dense, order 2 repeats block, transpose block, previous block`() throws {
        #expect(try patterns(order: 0, depth: 5) == [0, 0, 0, 0, 0])
        #expect(try patterns(order: 2, depth: 7) == [1, 2, 3, 1, 2, 3, 1])
    }

    @Test func `order 8 attends to lyrics every tenth layer`() throws {
        #expect(
            try patterns(order: 8, depth: 22) == [1, 2, 3, 1, 2, 3, 1, 2, 3, 6, 1, 2, 3, 1, 2, 3, 1, 2, 3, 6, 1, 2])
    }

    @Test func `order 10 is nine layers, then seven times nine and one to the lyrics`() throws {
        let nine = [1, 2, 3, 1, 2, 3, 1, 2, 3]
        let period = nine + (0..<7).flatMap { _ in nine + [6] }
        #expect(period.count == 79)
        #expect(try patterns(order: 10, depth: 79) == period)
        #expect(try patterns(order: 10, depth: 79).indices.filter { period[$0] == 6 } == [18, 28, 38, 48, 58, 68, 78])
    }

    @Test func `order 12 takes prime, prime, dense in turn at every sixteenth layer`() throws {
        let all = try patterns(order: 12, depth: 96)
        for (layer, pattern) in all.enumerated() {
            #expect(pattern == (layer % 16 == 15 ? [7, 7, 0][layer % 3] : [1, 2, 3][layer % 3]), "layer \(layer)")
        }
        #expect([15, 31, 47, 63, 79, 95].map { all[$0] } == [7, 7, 0, 7, 7, 0])
    }

    @Test func `prime attention sees the lyrics and the music up to the next multiple of the blocks`() throws {
        let shape = try Fixture.lyricsSingle.model().hyperparameters.priors[2].transformer(codes: 128)
        #expect(shape.length == 128 && shape.blockLength == 8 && shape.primeLength == 48)
    }
}
