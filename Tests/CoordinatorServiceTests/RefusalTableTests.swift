import ClusterProtocol
import Testing

@testable import CoordinatorService

/// Who was refused, as it is logged and shown.
@Suite struct RefusalTableTests {
    private typealias Entry = RefusalTable.Entry

    @Test func `a key is logged once a minute, and counted every time`() {
        var table = RefusalTable()
        let key = Entry(ConnectionRefusal(address: "10.0.0.9", key: "abc", reason: .keyNotAllowed))
        #expect(key.line == "refused the key abc from 10.0.0.9: its key is not allowed")
        #expect(Entry(address: "10.0.0.9", reason: "why").line == "refused a connection from 10.0.0.9: why")
        #expect(Entry(name: "w1", reason: "why").line == "refused worker w1: why")
        var told: [Double] = []
        for second in 0..<150 where table.add(key, at: Double(second)) { told.append(Double(second)) }
        #expect(told == [0, 60, 120])
        #expect(table.entries.map(\.count) == [150] && table.entries.map(\.last) == [149])
    }

    @Test func `other reasons of a key, and other keys of an address, are others`() {
        var table = RefusalTable()
        for entry in [
            Entry(key: "a", address: "x", reason: "1"), Entry(key: "a", address: "x", reason: "2"),
            Entry(key: "b", address: "x", reason: "1"), Entry(name: "w", reason: "1"), Entry(address: "x", reason: "1"),
        ] {
            #expect(table.add(entry, at: 0) == true)
        }
        #expect(table.entries.count == 5)
    }

    @Test func `a key is the same from another address, and a peer without one may have lost its address`() {
        var table = RefusalTable()
        #expect(table.add(Entry(key: "a", address: "x", reason: "1"), at: 0) == true)
        #expect(table.add(Entry(key: "a", address: "y", reason: "1"), at: 1) == false)
        #expect(table.entries.map(\.address) == ["y"])
        #expect(table.add(Entry(address: "x", reason: "2"), at: 2) == true)
        #expect(table.add(Entry(address: "", reason: "2"), at: 3) == false)
        #expect(table.entries.map(\.address) == ["x", "y"])
        #expect(table.add(Entry(address: "z", reason: "2"), at: 4) == true)
    }

    @Test func `a flood is bounded in memory and in lines, and told as a number`() {
        var table = RefusalTable()
        let lines = (0..<5000).count { table.add(Entry(key: "\($0)", reason: "1"), at: 1) }
        #expect(lines == 20 && table.entries.count == RefusalTable.most)
        #expect(table.entries.first?.key == "4999")
        #expect(table.tick(at: 59) == 0)
        #expect(table.tick(at: 60) == 4980)
        #expect(table.tick(at: 120) == 0)
        #expect(table.add(Entry(key: "new", reason: String(repeating: "x", count: 10_000)), at: 121) == true)
        #expect((table.entries.first?.reason.count ?? 0) < 1000)
    }
}
