import Foundation
import Testing

/// The patches of `Scripts/mutants`: each takes one promise out, and names the test that notices.
@Suite struct MutantPatchTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = root.appendingPathComponent("Tests/Mutants")

    private static var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".patch") }
            .sorted()
    }

    private func lines(_ name: String) throws -> [Substring] {
        try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test func `every promise that tests must keep has a mutant`() {
        let wanted = ["epoch", "twice", "sync", "seal", "chunk-hash", "row-hash", "set-aside"]
        #expect(Set(Self.names).isSuperset(of: wanted.map { "\($0).patch" }))
    }

    @Test(arguments: names)
    func `a patch applies in one place only, and names a test that there is`(_ name: String) throws {
        let lines = try lines(name)
        func field(_ field: String) throws -> String {
            let line = try #require(lines.first { $0.hasPrefix("\(field): ") }, "\(name) has no \(field)")
            return String(line.dropFirst(field.count + 2))
        }
        #expect(try !field("Removed").isEmpty)
        let suite = try field("Suite").split(separator: ".")
        try #require(suite.count == 2)
        let tests = Self.root.appendingPathComponent("Tests/\(suite[0])/\(suite[1]).swift")
        let text = try String(contentsOf: tests, encoding: .utf8)
        #expect(text.contains("func `\(try field("Test"))`"), "\(tests.path) has no such test")

        let target = try #require(lines.first { $0.hasPrefix("+++ b/") }).dropFirst(6)
        let source = try String(contentsOf: Self.root.appendingPathComponent(String(target)), encoding: .utf8)
        let hunks = lines.drop { !$0.hasPrefix("@@") }.split { $0.hasPrefix("@@") }
        #expect(!hunks.isEmpty)
        for hunk in hunks {
            let old = hunk.filter { $0.hasPrefix(" ") || $0.hasPrefix("-") }.map { $0.dropFirst() }
            #expect(hunk.contains { $0.hasPrefix("-") })
            let places = source.components(separatedBy: old.joined(separator: "\n")).count - 1
            #expect(places == 1, "\(name) must be made anew: its lines stand in \(target) \(places) times")
        }
    }
}
