import ClusterProtocol
import Glibc
import ModelTestSupport
import SongPlan
import Testing
import WorkerCore
import WorkerService

/// A worker that is asked to leave, or drained, by a coordinator that the test plays.
@Suite(.serialized) struct LeavingTests {
    private static let song = Result { try SmallSong() }
    private let song: SmallSong

    init() throws { song = try Self.song.get() }

    private func start(session: Session.Settings = Session.Settings()) throws -> ScriptedCoordinator {
        try ScriptedCoordinator(model: song.model, levels: [0], slots: 4, threads: 1, session: session)
    }

    private func waitForSome(_ coordinator: ScriptedCoordinator) throws {
        // Nothing is acknowledged, so the heartbeat does not tell how much there is: its speed tells that there is some.
        let isBusy = try coordinator.next(within: 120) { kind -> Bool? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.tokensPerSecond > 0 { true } else { nil }
        }
        try #require(isBusy == true)
    }

    @Test func `it hands in all that it sampled, is told so, and only then says goodbye`() throws {
        let coordinator = try start()
        try coordinator.begin(heartbeat: 50)
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        try waitForSome(coordinator)
        coordinator.leave(within: .seconds(100))
        let told = try coordinator.next { kind -> Bool? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.leaving { true } else { nil }
        }
        #expect(told == true)
        #expect(try !coordinator.goodbye(within: 0.3))
        var count = 0
        var chunk = try coordinator.chunk(within: 20)
        while let next = chunk {
            #expect(Int(next.start) == count)
            count += next.tokens.count
            try coordinator.acknowledge(next)
            chunk = try coordinator.chunk(within: 0.5)
        }
        #expect(count > 0)
        #expect(try coordinator.goodbye())
        guard case .success = coordinator.result() else {
            Issue.record("it did not end well")
            return
        }
    }

    @Test func `a window that crosses with the word that it leaves is not begun`() throws {
        let coordinator = try start()
        try coordinator.begin(heartbeat: 50)
        let assignment = song.assignment(level: 0, window: 0)
        try coordinator.send(.assignment(assignment))
        try waitForSome(coordinator)
        coordinator.leave(within: .seconds(100))
        _ = try coordinator.next { kind -> Bool? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.leaving { true } else { nil }
        }
        let other = song.assignment(level: 0, window: 1)
        try coordinator.send(.assignment(other))
        let held = try coordinator.next { kind -> [WireLease]? in
            if case .heartbeat(let heartbeat) = kind, heartbeat.leaving { heartbeat.held } else { nil }
        }
        #expect(held?.map(\.task) == [assignment.task])
        coordinator.finish()
    }

    @Test func `a worker without anything in hand leaves at once`() throws {
        let coordinator = try start()
        try coordinator.begin()
        coordinator.leave(within: .seconds(1000))
        #expect(try coordinator.goodbye())
    }

    @Test func `when nobody acknowledges, it leaves when its time is over`() throws {
        let coordinator = try start()
        try coordinator.begin(heartbeat: 50)
        try coordinator.send(.assignment(song.assignment(level: 0, window: 0)))
        try waitForSome(coordinator)
        coordinator.leave(within: .milliseconds(300))
        #expect(try coordinator.goodbye(within: 60))
        #expect(coordinator.logged.contains { $0.contains("the time to leave is over") })
    }

    @Test func `a worker remembers that it is drained, for the next coordinator`() throws {
        let coordinator = try start(session: Session.Settings(helloInterval: .milliseconds(20)))
        #expect(try coordinator.begin(heartbeat: 50).drained == false)
        var drain = WireDrain()
        drain.on = true
        try coordinator.send(.drain(drain))
        try coordinator.send(.helloWanted(WireHelloWanted()))
        let hello = try coordinator.next { kind -> Bool? in
            if case .hello(let hello) = kind, hello.drained { true } else { nil }
        }
        #expect(hello == true)
        try coordinator.welcome()
        drain.on = false
        try coordinator.send(.drain(drain))
        try coordinator.send(.helloWanted(WireHelloWanted()))
        let again = try coordinator.next { kind -> Bool? in
            if case .hello(let hello) = kind, !hello.drained { true } else { nil }
        }
        #expect(again == true)
        coordinator.finish()
    }
}
