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
    /// Why there is no connection, when the transport knows.
    private let diagnosis: () -> String?
    private var number = UInt64.random(in: 1...UInt64.max / 2)

    init(transport: any Transport, place: String, diagnosis: @escaping () -> String? = { nil }) {
        self.transport = transport
        self.place = place
        self.diagnosis = diagnosis
    }

    convenience init(_ connection: ConnectionOptions) throws {
        let transport = try connection.makeTransport()
        self.init(transport: transport, place: connection.connect, diagnosis: { "\(transport.status)" })
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
        let deadline = clock.now + patience
        var resend = clock.now
        var isSent = false
        while clock.now < deadline {
            if clock.now >= resend {
                isSent = try transport.send(payload, to: .coordinator)
                resend = clock.now + (isSent ? .seconds(5) : .milliseconds(100))
            }
            for message in try transport.receive(timeout: .milliseconds(100), limit: 16) {
                guard let decoded = try? WireFromCoordinator(payload: message.payload),
                    case .reply(let reply) = decoded.kind, reply.number == number
                else { continue }
                guard reply.error.isEmpty else { throw ClientError(reply.error) }
                return reply
            }
        }
        throw ClientError(
            "no answer from \(place) in \(Int(patience / .seconds(1))) s"
                + (diagnosis().map { " (\($0))" } ?? "") + "; is the coordinator running?")
    }

    func status(song: String = "", patience: Duration = .seconds(15)) throws -> WireStatus {
        var query = WireStatusQuery()
        query.song = song
        return try ask(.status(query), patience: patience).status
    }

    func close() { transport.close() }
}
