import Testing
import WorkerCore

/// A session, and a clock that goes as the test says.
private struct Scene {
    var now = Duration.zero
    var session = Session(now: .zero)

    mutating func happens(_ event: Session.Event) -> [Session.Action] { session.handle(event, now: now) }

    mutating func follow(_ link: Link) -> [Session.Action] { happens(.link(link)) }

    /// Lets time pass in tenths of a second, as a worker does.
    mutating func wait(_ time: Duration) -> [Session.Action] {
        let end = now + time
        var actions: [Session.Action] = []
        while now < end {
            now += .milliseconds(100)
            actions += happens(.tick)
        }
        return actions
    }

    /// A worker that has joined.
    static func joined(heartbeat: Duration = .seconds(1)) -> Scene {
        var scene = Scene()
        _ = scene.follow(.up)
        _ = scene.happens(.tick)
        _ = scene.happens(.welcome(heartbeat: heartbeat))
        return scene
    }
}

extension [Session.Action] {
    fileprivate var notices: [Notice] {
        compactMap { if case .tell(let notice) = $0 { notice } else { nil } }
    }
    fileprivate func count(of action: Session.Action) -> Int { count { $0 == action } }
}

private let refused = Link.down(problem: Problem(text: "refused", isCertain: true))
private let silent = Link.down(problem: Problem(text: "nobody listens", isCertain: false))

/// What a worker says, and when.
@Suite struct SessionTests {
    @Test func `hello is said as soon as there is a connection, and each second until there is a welcome`() {
        var scene = Scene()
        #expect(scene.wait(.seconds(2)).isEmpty)
        #expect(scene.follow(.up).isEmpty)
        #expect(scene.happens(.tick) == [.sayHello])
        #expect(scene.wait(.milliseconds(900)).isEmpty)
        #expect(scene.wait(.milliseconds(1100)).count(of: .sayHello) == 2)
        #expect(!scene.session.isWelcome)
        #expect(
            scene.happens(.welcome(heartbeat: .seconds(1))) == [.tell(.joined), .dropAhead, .sendChunksAgain])
        #expect(scene.session.isWelcome)
        #expect(scene.wait(.seconds(5)).count(of: .sayHello) == 0)
    }

    @Test(arguments: [(Duration.milliseconds(500), 20), (.zero, 100), (.seconds(600), 0)])
    func `heartbeats come as often as the welcome says, within reason`(heartbeat: Duration, count: Int) {
        var scene = Scene.joined(heartbeat: heartbeat)
        let actions = scene.wait(.seconds(10))
        #expect(actions.count(of: .sendHeartbeat) == count && actions.count == count)
        #expect(scene.wait(.seconds(60)).count(of: .sendHeartbeat) > 0)
    }

    @Test func `every three seconds it is looked for chunks that wait in vain, until all are acknowledged`() {
        var scene = Scene.joined(heartbeat: .seconds(60))
        #expect(scene.happens(.chunksSent).isEmpty)
        #expect(scene.wait(.seconds(2)).isEmpty)
        // Others that follow put nothing off.
        _ = scene.happens(.chunksSent)
        #expect(scene.wait(.milliseconds(900)).isEmpty)
        #expect(scene.wait(.milliseconds(100)) == [.sendStalledAgain])
        #expect(scene.wait(.seconds(9)) == [.sendStalledAgain, .sendStalledAgain, .sendStalledAgain])
        _ = scene.happens(.allAcknowledged)
        #expect(scene.wait(.seconds(9)).isEmpty)
    }

    @Test func `a coordinator that does not know the worker gets a hello at once, and no chunks until a welcome`() {
        var scene = Scene.joined()
        _ = scene.happens(.chunksSent)
        #expect(scene.happens(.helloWanted) == [.sayHello])
        #expect(!scene.session.isWelcome)
        #expect(scene.wait(.milliseconds(2500)) == [.sayHello, .sayHello])
        #expect(
            scene.happens(.welcome(heartbeat: .seconds(1)))
                == [.tell(.back(away: nil)), .dropAhead, .sendChunksAgain])
    }

    @Test func `a refusal ends it with its reason`() {
        var scene = Scene.joined()
        #expect(scene.happens(.refused(reason: "other weights")) == [.stop(reason: "other weights")])
    }

    @Test func `over a new connection hello is said at once, and nothing is sent while there is none`() {
        var scene = Scene.joined()
        _ = scene.happens(.chunksSent)
        #expect(scene.follow(.down(problem: nil)) == [.tell(.lost)])
        #expect(scene.wait(.seconds(2)).isEmpty)
        #expect(scene.follow(.up).isEmpty)
        #expect(scene.happens(.tick) == [.sayHello])
        #expect(
            scene.happens(.welcome(heartbeat: .seconds(1)))
                == [.tell(.back(away: .seconds(2))), .dropAhead, .sendChunksAgain])
    }
}

/// What an operator reads of a worker's connection.
@Suite struct SessionNoticeTests {
    @Test func `a refused key is told at once, and once`() {
        var scene = Scene()
        _ = scene.follow(refused)
        let problem = Problem(text: "refused", isCertain: true)
        #expect(scene.wait(.milliseconds(100)).notices == [.noConnection(problem, since: .milliseconds(100))])
        for _ in 0..<50 {
            _ = scene.follow(refused)
            #expect(scene.wait(.seconds(10)).notices.isEmpty)
        }
        #expect(scene.wait(.seconds(200)).notices.count == 1, "a reminder")
    }

    @Test func `that nobody listens is told after three seconds, and another reason as soon as it holds`() {
        var scene = Scene()
        _ = scene.follow(silent)
        #expect(scene.wait(.milliseconds(2900)).notices.isEmpty)
        let told = scene.wait(.milliseconds(100)).notices
        #expect(told == [.noConnection(Problem(text: "nobody listens", isCertain: false), since: .seconds(3))])
        _ = scene.follow(refused)
        #expect(scene.wait(.milliseconds(100)).notices.count == 1)
        #expect(scene.wait(.seconds(60)).notices.isEmpty)
    }

    @Test func `a moment without a connection is worth two lines, a long one three`() {
        var scene = Scene.joined()
        var notices = scene.follow(.down(problem: nil)).notices
        notices += scene.wait(.seconds(1)).notices + scene.follow(.up).notices
        notices += scene.happens(.welcome(heartbeat: .seconds(1))).notices
        #expect(notices == [.lost, .back(away: .seconds(1))])
        notices = scene.follow(.down(problem: nil)).notices
        _ = scene.follow(silent)
        notices += scene.wait(.seconds(300)).notices
        let problem = Problem(text: "nobody listens", isCertain: false)
        #expect(notices == [.lost, .noConnection(problem, since: .seconds(3))])
        _ = scene.follow(.up)
        #expect(scene.happens(.welcome(heartbeat: .seconds(1))).notices == [.back(away: .seconds(300))])
    }

    @Test func `a coordinator that takes the connection and says nothing is told of`() {
        var scene = Scene()
        _ = scene.follow(.up)
        #expect(scene.wait(.milliseconds(2900)).notices.isEmpty)
        #expect(scene.wait(.seconds(100)).notices == [.noAnswer(since: .seconds(3))])
        #expect(scene.happens(.welcome(heartbeat: .seconds(1))).notices == [.joined])
        #expect(scene.wait(.seconds(1000)).notices.isEmpty)
    }

    @Test func `of windows that are taken back for one reason the first is told, then how many more a minute`() {
        var scene = Scene.joined()
        var notices: [Notice] = []
        for number in 0..<747 {
            notices += scene.happens(.revoked(window: "window \(number)", reason: "the lease has ended")).notices
        }
        notices += scene.happens(.revoked(window: "another", reason: "another worker was faster")).notices
        #expect(
            notices == [
                .gaveUp(window: "window 0", reason: "the lease has ended"),
                .gaveUp(window: "another", reason: "another worker was faster"),
            ])
        #expect(
            scene.wait(.seconds(600)).notices == [.gaveUpMore(count: 746, reason: "the lease has ended")])
        #expect(
            scene.happens(.revoked(window: "new", reason: "the lease has ended")).notices
                == [.gaveUp(window: "new", reason: "the lease has ended")])
    }

    @Test func `reasons that never repeat are told, and not remembered without end`() {
        var scene = Scene.joined()
        for number in 0..<10_000 {
            #expect(scene.happens(.revoked(window: "w", reason: "reason \(number)")).notices.count == 1)
        }
    }

    @Test func `messages of another protocol are told of once`() {
        var scene = Scene.joined()
        #expect(scene.happens(.nonsense).notices == [.nonsense])
        #expect(scene.happens(.nonsense).isEmpty)
    }
}
