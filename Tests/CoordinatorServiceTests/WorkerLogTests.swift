import CoordinatorCore
import Testing

@testable import CoordinatorService

/// What is logged of workers that come and go.
@Suite struct WorkerLogTests {
    private let peers = (0..<9).map { Peer([UInt8($0)]) }

    private func here(_ names: String..., isBusy: Bool = false) -> [WorkerLog.Present] {
        names.map { WorkerLog.Present(id: "id-\($0)", name: $0, levels: [0, 2], slots: 16, isBusy: isBusy) }
    }

    private func look(_ log: inout WorkerLog, _ present: [WorkerLog.Present], at now: Double) -> [String] {
        log.look(present, lease: .seconds(5), at: now).map(\.line)
    }

    @Test func `a worker that joins, goes silent and comes back is told of by its name, each once`() {
        var log = WorkerLog()
        log.hello(peers[0], "id-w1", name: "w1")
        #expect(log.name(of: "id-w1") == "w1" && log.name(at: peers[0]) == "w1")
        #expect(look(&log, here("w1", isBusy: true), at: 1) == ["worker w1 joined: levels 0, 2, 16 slots"])
        #expect(look(&log, here("w1", isBusy: true), at: 2).isEmpty)
        #expect(
            look(&log, [], at: 3) == ["lost worker w1: nothing heard of it for 5 s; its windows go to others"])
        #expect(look(&log, [], at: 4).isEmpty)
        log.hello(peers[1], "id-w1", name: "w1")
        #expect(look(&log, here("w1"), at: 63) == ["worker w1 is back after 60 s"])
    }

    @Test func `one that leaves is told from one whose connection broke, and one that was refused is told of already`()
    {
        var log = WorkerLog()
        for (peer, name) in zip(peers, ["a", "b", "c"]) { log.hello(peer, "id-\(name)", name: name) }
        #expect(look(&log, here("a", "b", "c"), at: 0).count == 3)
        log.goodbye(peers[0])
        log.lost(peers[1])
        log.refused(peers[2])
        #expect(look(&log, [], at: 1) == ["worker a left", "lost worker b: its connection broke"])
    }

    @Test func `it is looked when something happened, or a second later`() {
        var log = WorkerLog()
        #expect(log.isDue(at: 0))
        _ = look(&log, [], at: 0)
        #expect(!log.isDue(at: 0.9) && log.isDue(at: 1))
        log.hello(peers[0], "id-w1", name: "w1")
        #expect(log.isDue(at: 0.1))
    }
}
