/// The worker's side of the protocol, without clock or socket: when it says hello, sends a heartbeat and sends chunks
/// again, and what of it is worth a line of the log.
///
/// `handle` takes what happened and the time since any fixed moment, and returns what is to be done, in order.
package struct Session: Sendable {
    package struct Settings: Sendable, Hashable {
        /// Between hellos that nobody answers.
        package var helloInterval: Duration
        /// How often it is looked whether windows wait in vain for acknowledgements.
        package var resendInterval: Duration
        package var report: ConnectionReport.Settings

        package init(
            helloInterval: Duration = .seconds(1), resendInterval: Duration = .seconds(3),
            report: ConnectionReport.Settings = ConnectionReport.Settings()
        ) {
            self.helloInterval = helloInterval
            self.resendInterval = resendInterval
            self.report = report
        }
    }

    package enum Event: Sendable, Hashable {
        /// How the connection stands; told as often as wanted.
        case link(Link)
        /// The coordinator takes the worker.
        case welcome(heartbeat: Duration)
        case refused(reason: String)
        /// The coordinator does not know the worker, or not any more.
        case helloWanted
        case chunksSent
        /// Nothing is left that could be acknowledged.
        case allAcknowledged
        /// A window that the worker has was taken back.
        case revoked(window: String, reason: String)
        /// A message that is none of the protocol.
        case nonsense
        /// A message was changed on its way: nobody knows what it said.
        case damaged
        /// Time has passed; expected several times a second.
        case tick
    }

    package enum Action: Sendable, Hashable {
        /// With all that is held.
        case sayHello
        case sendHeartbeat
        /// All chunks that are not acknowledged, as far as they may be on their way.
        case sendChunksAgain
        /// Those of windows of which nothing was acknowledged since the last time.
        case sendStalledAgain
        /// Nobody asks any more for what was prefilled ahead of a lease; chunks that were not sent come again with
        /// `sendChunksAgain`.
        case dropAhead
        case tell(Notice)
        /// The worker cannot go on.
        case stop(reason: String)
    }

    private enum State {
        /// `link`, `welcome`, `refused` end it.
        case greeting(nextHello: Duration)
        /// A lost link and `helloWanted` end it.
        case welcome(heartbeat: Duration, next: Duration)
    }

    private let settings: Settings
    private var state: State
    private var isUp = false
    private var resendAt: Duration?
    private var report: ConnectionReport
    private var revocations = RevocationReport()
    private var hasHeardNonsense = false
    private var lastHello: Duration?
    private var damageTold: Duration?

    package init(settings: Settings = Settings(), now: Duration) {
        self.settings = settings
        state = .greeting(nextHello: now)
        report = ConnectionReport(settings: settings.report, now: now)
    }

    /// Whether the coordinator takes chunks.
    package var isWelcome: Bool {
        switch state {
        case .greeting: false
        case .welcome: true
        }
    }

    package mutating func handle(_ event: Event, now: Duration) -> [Action] {
        switch event {
        case .link(let link): return follow(link, now)
        case .welcome(let heartbeat):
            let interval = min(max(heartbeat, .milliseconds(50)), .seconds(60))
            let isNew = !isWelcome
            state = .welcome(heartbeat: interval, next: now + interval)
            return (isNew ? told(report.welcomed(now)) : []) + [.dropAhead, .sendChunksAgain]
        case .refused(let reason): return [.stop(reason: reason)]
        case .helloWanted:
            state = .greeting(nextHello: now + settings.helloInterval)
            return hello(now)
        case .damaged: return damaged(now)
        case .chunksSent:
            resendAt = resendAt ?? now + settings.resendInterval
            return []
        case .allAcknowledged:
            resendAt = nil
            return []
        case .revoked(let window, let reason): return told(revocations.revoked(window, reason, now))
        case .nonsense:
            defer { hasHeardNonsense = true }
            return hasHeardNonsense ? [] : [.tell(.nonsense)]
        case .tick: return tick(now)
        }
    }

    private mutating func hello(_ now: Duration) -> [Action] {
        lastHello = now
        return [.sayHello]
    }

    /// Says hello again, with all that is held: what the worker did not hear of is then said once more, and held against
    /// nobody. Not more often than when nobody answers.
    private mutating func damaged(_ now: Duration) -> [Action] {
        if isWelcome { state = .greeting(nextHello: max(now, (lastHello ?? .zero) + settings.helloInterval)) }
        if let damageTold, now - damageTold < .seconds(60) { return [] }
        damageTold = now
        return [.tell(.damaged)]
    }

    private mutating func follow(_ link: Link, _ now: Duration) -> [Action] {
        switch link {
        case .up:
            // The coordinator knows a worker by its connection: over a new one it says hello, and does so at once.
            if !isUp { state = .greeting(nextHello: now) }
            isUp = true
        case .down:
            isUp = false
            state = .greeting(nextHello: now)
        }
        return told(report.follow(link, now))
    }

    private mutating func tick(_ now: Duration) -> [Action] {
        let notices = told(report.tick(now)) + told(revocations.tick(now))
        switch state {
        case .greeting(let next):
            guard isUp, now >= next else { return notices }
            state = .greeting(nextHello: now + settings.helloInterval)
            return hello(now) + notices
        case .welcome(let heartbeat, let next):
            var actions: [Action] = []
            if now >= next {
                state = .welcome(heartbeat: heartbeat, next: now + heartbeat)
                actions.append(.sendHeartbeat)
            }
            if let resendAt, now >= resendAt {
                self.resendAt = now + settings.resendInterval
                actions.append(.sendStalledAgain)
            }
            return actions + notices
        }
    }

    private func told(_ notice: Notice?) -> [Action] { notice.map { [.tell($0)] } ?? [] }
}

/// How the connection to the coordinator stands.
package enum Link: Sendable, Hashable {
    case up
    /// - Parameter problem: nil while it is not known why.
    case down(problem: Problem?)
}

/// Why there is no connection.
package struct Problem: Sendable, Hashable {
    /// For people, with what to do about it.
    package var text: String
    /// It stays until somebody does something about it.
    package var isCertain: Bool

    package init(text: String, isCertain: Bool) {
        self.text = text
        self.isCertain = isCertain
    }
}

/// What an operator should read.
package enum Notice: Sendable, Hashable {
    case joined
    /// - Parameter away: how long there was no coordinator; nil when the connection never broke.
    case back(away: Duration?)
    case lost
    /// There is no connection, and why; nil when that is not known.
    case noConnection(Problem?, since: Duration)
    /// There is a connection, and the coordinator says nothing.
    case noAnswer(since: Duration)
    case gaveUp(window: String, reason: String)
    /// So many more windows, since the last line with this reason.
    case gaveUpMore(count: Int, reason: String)
    case nonsense
    /// A message was changed on its way; told at most once a minute.
    case damaged
}
