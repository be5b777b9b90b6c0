package import ClusterProtocol
import Dispatch
import Foundation
import Synchronization

/// A coordinator that does not answer, or says no.
package struct ClientError: Error, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The request is wrong, or of a kind that the coordinator does not tell.
        case other
        /// There is no such song, file or model.
        case notFound
        /// It contradicts what is there.
        case conflict
        /// Too much waits; the same request may be taken later.
        case busy
        case forbidden
        /// The coordinator cannot do it just now.
        case unavailable
        /// Nobody answers.
        case silent
    }

    package var description: String
    package var kind: Kind

    package init(_ description: String, _ kind: Kind = .other) { (self.description, self.kind) = (description, kind) }
}

/// How a client reaches its coordinator.
package struct ClientConnection {
    let transport: any Transport
    let place: String
    let status: () -> ConnectionStatus?
    let refusal: () -> String?

    /// - Parameters:
    ///   - place: where the coordinator is, for error messages.
    ///   - status: nil in one process, where there is always a connection.
    ///   - refusal: why nobody can be reached there just now, when the system says so at once.
    package init(
        transport: any Transport, place: String, status: @escaping () -> ConnectionStatus? = { nil },
        refusal: @escaping () -> String? = { nil }
    ) {
        self.transport = transport
        self.place = place
        self.status = status
        self.refusal = refusal
    }
}

/// Asks a coordinator. Requests may be sent again: each means the same the second time.
///
/// Any thread may ask; one request is under way at a time. A call blocks its thread until the answer is there, so tasks
/// use `perform` and `follow`.
package final class ClusterClient: Sendable {
    private let channel: Mutex<RequestChannel>
    /// Where requests of tasks wait for their answers.
    private let queue = DispatchQueue(label: "requests")

    /// - Parameter mayWait: throws when there is no use in waiting for an answer any more.
    package init(_ connection: sending ClientConnection, mayWait: @escaping @Sendable () throws -> Void = {}) {
        channel = Mutex(RequestChannel(connection, mayWait: mayWait))
    }

    package func close() { channel.withLock { $0.close() } }

    /// - Parameter patience: how long to wait for an answer.
    /// - Throws: `ClientError` with the coordinator's reason, or when it stays silent.
    func ask(_ kind: WireClientRequest.OneOf_Kind, patience: Duration = .seconds(15)) throws -> WireClientReply {
        try channel.withLock { try $0.ask(kind, patience: patience) }
    }

    /// Asks from a task, whose thread does not wait meanwhile.
    package func perform<Answer: Sendable>(
        _ body: @escaping @Sendable (ClusterClient) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body(self) }) }
        }
    }

    /// - Throws: `ClientError` for what cannot be a song's id, so that the coordinator need not be asked.
    package static func check(id: String) throws {
        guard PeerText.isSongID(id) else {
            let shown = String(id.prefix(40).map { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } ? $0 : "?" })
            throw ClientError(
                "\"\(shown)\(id.count > 40 ? "…" : "")\" is no song's id, which is 1 to 64 letters, digits and dashes; "
                    + "orchestrion status lists the songs")
        }
    }

    /// All songs and workers, or one song and all workers.
    package func status(song: String = "", patience: Duration = .seconds(15)) throws -> ClusterStatus {
        var query = WireStatusQuery()
        (query.song, query.pages) = (song, true)
        return try status(&query, patience: patience)
    }

    /// All that a status tells but songs.
    package func workers() throws -> ClusterStatus {
        var query = WireStatusQuery()
        (query.pages, query.noSongs) = (true, true)
        return try status(&query)
    }

    /// What holds the coordinator up, or soon will. Asks for little, and waits only a moment.
    package func troubles() throws -> [String] {
        var query = WireStatusQuery()
        (query.pages, query.noSongs) = (true, true)
        return try ask(.status(query), patience: .seconds(2)).status.troubles.map { PeerText.lines($0) }
    }

    private func status(_ query: inout WireStatusQuery, patience: Duration = .seconds(15)) throws -> ClusterStatus {
        let first = try ask(.status(query), patience: patience).status
        var status = try ClusterStatus(first)
        var (next, pages) = (first.next, 1)
        while !next.isEmpty, pages < Self.mostPages {
            query.cursor = next
            let page = try ask(.status(query), patience: patience).status
            try status.append(ClusterStatus(page))
            (next, pages) = (page.next, pages + 1)
        }
        return status
    }

    /// Messages that one answer may have: enough for a million songs.
    static let mostPages = 10_000

    /// Stops a song.
    ///
    /// - Returns: whether it was running.
    package func cancel(song: String) throws -> Bool {
        var cancel = WireCancel()
        cancel.song = song
        return try ask(.cancel(cancel)).cancelled.wasRunning
    }

    /// Gives windows to a machine again that is set aside.
    ///
    /// - Returns: whether it was.
    package func release(machine: String) throws -> Bool {
        var release = WireReleaseMachine()
        release.machine = machine
        return try ask(.releaseMachine(release)).released.wasSetAside
    }

    /// Gives workers no more windows, or gives them windows again. What they have goes on.
    ///
    /// - Parameter who: a worker's name or id, a host (the part of the name before the colon), or a machine.
    /// - Returns: the ids of the workers that are meant.
    /// - Throws: `ClientError` when there is none, or the key may not do it.
    package func drain(_ who: String, undo: Bool = false) throws -> [String] {
        var drain = WireDrainWorkers()
        (drain.who, drain.undo) = (who, undo)
        return try ask(.drain(drain)).drained.workers.map { PeerText.shown($0, limit: 80) }
    }

    /// Takes a song away, with its files.
    ///
    /// - Parameter force: one that runs, too.
    /// - Returns: whether it was running.
    package func remove(song: String, force: Bool = false) throws -> Bool {
        var remove = WireRemove()
        (remove.song, remove.force) = (song, force)
        return try ask(.remove(remove)).removed.wasRunning
    }

    /// Lets a song go on that is parked, failed or cancelled, from the tokens that it has.
    ///
    /// - Returns: whether it was any of these.
    package func resume(song: String) throws -> Bool {
        var resume = WireResume()
        resume.song = song
        return try ask(.resume(resume)).resumed.wasAtRest
    }
}

/// One connection, over which one request after another goes.
private struct RequestChannel {
    private let connection: ClientConnection
    private let mayWait: @Sendable () throws -> Void
    private var hasAnswered = false
    private var number = UInt64.random(in: 1...UInt64.max / 2)

    /// How long a coordinator may be silent that never answered, and refuse connections: it may be starting.
    private static let (firstPatience, startPatience) = (Duration.seconds(15), Duration.seconds(2))
    /// A key that has just been allowed is let in this much later at most.
    private static let allowPatience = Duration.milliseconds(1500)

    init(_ connection: ClientConnection, mayWait: @escaping @Sendable () throws -> Void) {
        self.connection = connection
        self.mayWait = mayWait
    }

    func close() { connection.transport.close() }

    mutating func ask(
        _ kind: WireClientRequest.OneOf_Kind, patience: Duration = .seconds(15)
    ) throws -> WireClientReply {
        number += 1
        var request = WireClientRequest()
        request.number = number
        request.version = ProtocolVersion.current
        request.kind = kind
        let payload = try WireToCoordinator(kind: .request(request)).payload()
        let clock = ContinuousClock()
        let start = clock.now
        var resend = start
        var probe = start + Self.startPatience
        var isSent = false
        while start.duration(to: clock.now) < limit(patience) {
            try mayWait()
            try checkConnection(since: start, &probe)
            if clock.now >= resend {
                isSent = try connection.transport.send(payload, to: .coordinator)
                resend = clock.now + (isSent ? .seconds(5) : .milliseconds(100))
            }
            for message in try connection.transport.receive(timeout: .milliseconds(100), limit: 16) {
                guard let decoded = try? WireFromCoordinator(payload: message.payload) else { continue }
                if case .refused(let refused) = decoded.kind { throw ClientError(PeerText.lines(refused.reason)) }
                guard case .reply(let reply) = decoded.kind, reply.number == number else { continue }
                hasAnswered = true
                guard reply.error.isEmpty else {
                    throw ClientError(PeerText.lines(reply.error), ClientError.Kind(reply.errorKind))
                }
                return reply
            }
        }
        throw ClientError(
            "no answer from \(connection.place) in \(Int(limit(patience) / .seconds(1))) s\(silence)", .silent)
    }

    /// Why nobody may have answered.
    private var silence: String {
        guard let status = connection.status() else { return "; is the coordinator running?" }
        if let problem = status.problem(at: connection.place) { return ": \(problem)" }
        return status == .connected
            ? "; it is connected, but says nothing: its log says what it waits for" : "; is the coordinator running?"
    }

    /// - Parameter probe: when the system is asked next whether anybody is there.
    /// - Throws: `ClientError` when there will be no connection until somebody does something about it.
    private func checkConnection(
        since start: ContinuousClock.Instant, _ probe: inout ContinuousClock.Instant
    ) throws {
        guard !hasAnswered else { return }
        let (status, now) = (connection.status(), ContinuousClock.now)
        if let problem = status?.problem(at: connection.place) {
            let waited = start.duration(to: now)
            var hasHungUp: Bool { if case .hungUp = status { true } else { false } }
            let isOver = problem.isCertain ? waited >= Self.allowPatience : waited >= Self.startPatience && hasHungUp
            if isOver { throw ClientError("no answer from \(connection.place): \(problem)", .silent) }
        }
        guard status != .connected, now >= probe else { return }
        probe = now + .seconds(1)
        if let reason = connection.refusal() {
            throw ClientError("no answer from \(connection.place): \(reason)", .silent)
        }
    }

    /// What may take long is waited for only where somebody is at work.
    private func limit(_ patience: Duration) -> Duration {
        hasAnswered || connection.status() ?? .connected == .connected ? patience : min(patience, Self.firstPatience)
    }
}
