import Sampling
import Testing

@Suite struct LyricTimesTests {
    /// Attention that is on one character a token, with a little on all others.
    private func attention(_ places: [Int], characters: Int) -> [[Float]] {
        places.map { place in (0..<characters).map { $0 == place ? 0.8 : 0.2 / Float(characters) } }
    }

    @Test func `characters and lines have the times of the tokens that attend to them`() throws {
        let lyrics = "ab\ncd"
        let places = (0..<50).map { $0 / 10 }
        let times = try #require(
            LyricTimes(attention(places, characters: 5), lyrics: lyrics, seconds: 5, maximumColumns: 50))
        #expect(times.path == places)
        #expect(times.forwardShare == 1)
        #expect(times.characters.map(\.begin) == [0, 1, 2, 3, 4])
        #expect(times.lines.map(\.text) == ["ab", "cd"])
        #expect(times.lines.map(\.begin) == [0, 3] && times.lines.map(\.end) == [2, 5])
        #expect(times.lineRanges == [0..<2, 3..<5])
    }

    @Test func `a stray token does not move the path, and is counted as falling back`() throws {
        var places = (0..<100).map { $0 / 10 }
        places[55] = 1
        let times = try #require(
            LyricTimes(attention(places, characters: 10), lyrics: "abcdefghij", seconds: 10, maximumColumns: 100))
        #expect(times.path[55] == 5)
        #expect(zip(times.path, times.path.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(abs(times.forwardShare - 98.0 / 99) < 1e-9)
    }

    @Test func `what is not reached takes no time, and columns are bounded`() throws {
        let places = [Int](repeating: 0, count: 5_000)
        let times = try #require(LyricTimes(attention(places, characters: 4), lyrics: "a\nbc", seconds: 50))
        #expect(times.weights.count == 1_290)
        #expect(times.lines[1].begin == 50 && times.lines[1].end == 50)
    }

    @Test func `there are no times without lyrics or without an alignment`() {
        #expect(LyricTimes([[], []], lyrics: "ab", seconds: 1) == nil)
        #expect(LyricTimes([], lyrics: "ab", seconds: 1) == nil)
        #expect(LyricTimes([[]], lyrics: "", seconds: 1) == nil)
    }
}
