import Testing

@testable import orchestrion

/// What is drawn over and over in a terminal.
@Suite struct TerminalTests {
    @Test func `a line is never broken by the edge, and no more lines are drawn than there are rows`() {
        let long = String(repeating: "█", count: 200)
        #expect(LiveLines.fitted(["short", long], to: (80, 24)).map(\.count) == [5, 79])
        #expect(LiveLines.fitted([long], to: (80, 24))[0].hasSuffix("█…"))
        let many = LiveLines.fitted((1...50).map { "line \($0)" }, to: (80, 24))
        #expect(many.count == 23 && many.last == "… 28 more lines" && many[21] == "line 22")
        #expect(LiveLines.fitted(["a", "b"], to: (1, 1)).count == 1)
    }
}
