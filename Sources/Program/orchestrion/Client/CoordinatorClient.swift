import ClusterProtocol
import Foundation
import ZeroMQTransport

/// A coordinator that does not answer, or says no.
struct ClientError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Asks a coordinator. Requests may be sent again: each means the same the second time.
final class CoordinatorClient {
    private let transport: any Transport
    /// For error messages.
    private let place: String
    /// How the connection stands; nil in one process, where there is always one.
    private let status: () -> ConnectionStatus?
    /// Where it is; nil in one process.
    private let endpoint: TCPEndpoint?
    /// Throws when there is no use in waiting for an answer any more.
    private let mayWait: () throws -> Void
    private var hasAnswered = false
    private var number = UInt64.random(in: 1...UInt64.max / 2)

    /// How long a coordinator may be silent that never answered, and refuse connections: it may be starting.
    private static let (firstPatience, startPatience) = (Duration.seconds(15), Duration.seconds(2))
    /// A key that has just been allowed is let in this much later at most.
    private static let allowPatience = Duration.milliseconds(1500)

    init(transport: any Transport, place: String, mayWait: @escaping () throws -> Void) {
        self.transport = transport
        self.place = place
        self.mayWait = mayWait
        (endpoint, status) = (nil, { nil })
    }

    /// - Throws: `ZeroMQError` when there is no such host.
    init(_ connection: ConnectionOptions) throws {
        let endpoint = try connection.endpoint()
        try endpoint.checkHost()
        let transport = try connection.makeTransport()
        self.transport = transport
        place = endpoint.description
        self.endpoint = endpoint
        status = { transport.status }
        mayWait = {}
    }

    /// - Parameter patience: how long to wait for an answer.
    /// - Throws: `ClientError` with the coordinator's reason, or when it stays silent.
    func ask(
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
            try checkConnection(since: start)
            if !hasAnswered, status() != .connected, clock.now >= probe {
                probe = clock.now + .seconds(1)
                if let reason = endpoint?.refusal() { throw ClientError("no answer from \(place): \(reason)") }
            }
            if clock.now >= resend {
                isSent = try transport.send(payload, to: .coordinator)
                resend = clock.now + (isSent ? .seconds(5) : .milliseconds(100))
            }
            for message in try transport.receive(timeout: .milliseconds(100), limit: 16) {
                guard let decoded = try? WireFromCoordinator(payload: message.payload) else { continue }
                if case .refused(let refused) = decoded.kind { throw ClientError(refused.reason) }
                guard case .reply(let reply) = decoded.kind, reply.number == number else { continue }
                hasAnswered = true
                guard reply.error.isEmpty else { throw ClientError(reply.error) }
                return reply
            }
        }
        let reason =
            status()?.problem(at: place).map { ": \($0)" }
            ?? (status() == .connected
                ? "; it is connected, but says nothing: its log says what it waits for"
                : "; is the coordinator running?")
        throw ClientError("no answer from \(place) in \(Int(limit(patience) / .seconds(1))) s\(reason)")
    }

    /// - Throws: `ClientError` when there will be no connection until somebody does something about it.
    private func checkConnection(since start: ContinuousClock.Instant) throws {
        guard !hasAnswered, let problem = status()?.problem(at: place) else { return }
        let waited = start.duration(to: .now)
        let isOver = problem.isCertain ? waited >= Self.allowPatience : waited >= Self.startPatience && hasHungUp
        if isOver { throw ClientError("no answer from \(place): \(problem)") }
    }

    private var hasHungUp: Bool {
        if case .hungUp = status() { true } else { false }
    }

    /// What may take long is waited for only where somebody is at work.
    private func limit(_ patience: Duration) -> Duration {
        hasAnswered || status() ?? .connected == .connected ? patience : min(patience, Self.firstPatience)
    }

    /// - Throws: `ClientError` for what cannot be a song's id, so that the coordinator need not be asked.
    static func check(id: String) throws {
        guard (1...64).contains(id.utf8.count),
            id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else {
            let shown = String(id.prefix(40).map { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } ? $0 : "?" })
            throw ClientError(
                "\"\(shown)\(id.count > 40 ? "…" : "")\" is no song's id, which is 1 to 64 letters, digits and dashes; "
                    + "orchestrion status lists the songs")
        }
    }

    func status(song: String = "", patience: Duration = .seconds(15)) throws -> WireStatus {
        var query = WireStatusQuery()
        query.song = song
        return try ask(.status(query), patience: patience).status
    }

    func close() { transport.close() }
}
