import SongPlan
import Testing

struct PartOfWholeTests {
    private let geometry = Models.published

    private func works(_ total: Int, _ offset: Int, _ length: Int) -> Bool {
        (try? GeometryCheck.part(ofTotal: total, offset: offset, sampleLength: length, geometry)) != nil
    }

    @Test(arguments: [(900_000, 0, 1_587_584), (1_000_000, 500_000, 882_048), (900_000, 2_000_000, 882_048)])
    func `a whole that ends before its part names the least that does not, and the most that fits`(
        total: Int, offset: Int, length: Int
    ) throws {
        let error = try #require(throws: GeometryError.self) {
            try GeometryCheck.part(ofTotal: total, offset: offset, sampleLength: length, geometry)
        }
        let text = error.description
        let least = try #require(text.firstMatch(of: /least that works is ([0-9]+)/).flatMap { Int($0.1) })
        #expect(works(least, offset, length) && !works(least - 1, offset, length), "\(text)")
        // The seconds that are named give no sample less.
        let seconds = try #require(text.firstMatch(of: /--total-seconds ([0-9.]+)\)/).flatMap { Double($0.1) })
        #expect(works(Int(seconds * 44_100), offset, length), "\(text)")
        if let most = text.firstMatch(of: /make at most ([0-9]+)/).flatMap({ Int($0.1) }) {
            #expect(works(total, offset, most) && most.isMultiple(of: 128))
        } else {
            #expect(total - offset < 128)
        }
    }

    @Test func `a whole that just holds its part works, and so does the longest song`() {
        #expect(works(882_048, 0, 882_048) && works(882_148, 100, 882_048))
        #expect(works(26_459_999, 0, 26_460_000 / 128 * 128) && works(26_459_999, 1_000, 26_459_904))
    }

    @Test func `a model without timing labels takes any whole`() throws {
        try GeometryCheck.part(ofTotal: 1, offset: 5, sampleLength: 256, Models.twoLevels)
    }
}
