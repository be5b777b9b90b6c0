import SongPlan
import Testing

struct GeometryCheckTests {
    let geometry = Models.threeLevels(windows: [256, 256, 96])

    /// The error's text, and the numbers in it.
    private func refusal(_ body: () throws -> Void) throws -> (text: String, numbers: [Int]) {
        do {
            try body()
        } catch let error as GeometryError {
            let words = error.description.split { !($0.isNumber || $0 == ".") }
            return (error.description, words.compactMap { Int($0.hasSuffix(".") ? $0.dropLast() : $0) })
        }
        throw GeometryError("nothing was refused")
    }

    @Test(arguments: [0, -128, 1, 127, 129, 16385, 16511])
    func `a length that is no whole number of top-level tokens names the nearest that are`(length: Int) throws {
        let (text, numbers) = try refusal { try GeometryCheck.length(length, geometry) }
        let working = numbers.filter { (try? GeometryCheck.length($0, geometry)) != nil }
        #expect(working.contains { abs($0 - length) < 128 || length <= 0 }, "\(text)")
    }

    @Test(arguments: [0, 1])
    func `a length of more than an hour names the longest`(extra: Int) throws {
        let (text, numbers) = try refusal {
            try GeometryCheck.length(3600 * 44100 / 128 * 128 + 128 + extra, geometry)
        }
        let works = numbers.contains { $0 > 128 && (try? GeometryCheck.length($0, geometry)) != nil }
        #expect(works, "\(text)")
    }

    @Test(arguments: [-4, 0, 1, 3, 5, 127, 255, 257, 1000])
    func `a hop that cannot work names the nearest that does`(hop: Int) throws {
        let (text, numbers) = try refusal { try GeometryCheck.hop(hop, level: 0, geometry) }
        let nearest = numbers.filter { $0 > 0 && (try? GeometryCheck.hop($0, level: 0, geometry)) != nil }
        #expect(nearest.contains { abs($0 - hop) <= 4 || hop < 0 || hop > 256 }, "\(text)")
    }

    @Test func `the fraction that is named gives the hop that is named, for windows of any length`() throws {
        for window in stride(from: 8, through: 6144, by: 52) {
            let shape = Models.threeLevels(windows: [window, window, 96])
            for hop in stride(from: 5, through: window, by: max(4, window / 32 * 4)) {
                let (text, numbers) = try refusal { try GeometryCheck.hop(hop, level: 0, shape) }
                let named = try #require(text.split(separator: " ").last.flatMap { Double($0) }, "\(text)")
                let found = try? GeometryCheck.hop(fraction: named, level: 0, shape)
                #expect(found.map(numbers.contains) == true, "\(text) for a window of \(window)")
            }
        }
    }

    @Test(arguments: [0, -0.5, 1.01, Double.nan, Double.infinity])
    func `a fraction outside 0 to 1 names one that works`(fraction: Double) throws {
        let (text, _) = try refusal { _ = try GeometryCheck.hop(fraction: fraction, level: 2, geometry) }
        #expect(text.contains("0.5"))
        #expect(try GeometryCheck.hop(fraction: 0.5, level: 2, geometry) == 48)
    }

    @Test(arguments: [1, 786_431, 26_460_000, 99_999_999])
    func `a total length outside of what the model knows names the nearest inside`(total: Int) throws {
        func check(_ total: Int) throws {
            try GeometryCheck.timing(totalLength: total, offset: 0, sampleLength: 16384, geometry)
        }
        let (text, numbers) = try refusal { try check(total) }
        let works = numbers.contains { $0 != total && (try? check($0)) != nil }
        #expect(works, "\(text)")
    }

    @Test func `an offset whose last window ends too late names the largest that works`() throws {
        func check(_ offset: Int) throws {
            try GeometryCheck.timing(totalLength: 1_323_000, offset: offset, sampleLength: 16384, geometry)
        }
        let (text, numbers) = try refusal { try check(26_460_000) }
        let largest = try #require(numbers.last { (try? check($0)) != nil }, "\(text)")
        #expect(throws: GeometryError.self) { try check(largest + 1) }
    }

    @Test func `a model without timing labels takes any total length`() throws {
        try GeometryCheck.timing(totalLength: 5, offset: 0, sampleLength: 256, Models.twoLevels)
        #expect(throws: GeometryError.self) {
            try GeometryCheck.timing(totalLength: 0, offset: 0, sampleLength: 256, Models.twoLevels)
        }
    }

    @Test(arguments: [[0, 0, 129], [0, 513, 0], [2049, 0, 0]])
    func `more known tokens than the song has names a length that holds them`(known: [Int]) throws {
        func plan(_ length: Int) throws -> Plan {
            try Plan(geometry: geometry, sampleLength: length, hops: [128, 128, 12], known: known)
        }
        let (text, numbers) = try refusal { _ = try plan(16384) }
        let works = numbers.contains { $0 != 16384 && (try? plan($0)) != nil }
        #expect(works, "\(text)")
    }

    @Test func `wrong numbers of levels and a level that is not there are refused`() throws {
        let hops = [128, 128, 12]
        #expect(throws: GeometryError.self) {
            try Plan(geometry: geometry, sampleLength: 128, hops: [128, 128], known: [0, 0, 0])
        }
        #expect(throws: GeometryError.self) {
            try Plan(geometry: geometry, sampleLength: 128, hops: hops, known: [0, 0])
        }
        let (text, _) = try refusal {
            _ = try Plan(geometry: geometry, sampleLength: 128, hops: hops, known: [0, 0, 0], stopAt: 3)
        }
        #expect(text.contains("0 to 2"))
    }

    @Test func `a setting is one value or one for each level`() throws {
        #expect(try PerLevel.all(2).values(levels: 3, name: "top_k") == [2, 2, 2])
        #expect(try PerLevel.each([1, 2]).values(levels: 2, name: "top_k") == [1, 2])
        let (text, _) = try refusal { _ = try PerLevel.each([1, 2]).values(levels: 3, name: "top_k") }
        #expect(text.contains("top_k has 2 values"))
    }
}
