import CZeroMQ
import ClusterProtocol
import Glibc

/// Notices connections to a server that fail before anybody is known by a key: another key of the server, none at
/// all, or another release.
///
/// Who only connects and hangs up is passed over: that is how one looks whether anybody listens.
final class HandshakeWatch: LoopService {
    var socket: ZeroMQSocket { events.socket }
    private let events: SocketEvents
    private let usesKeys: Bool
    /// By descriptor of an open connection.
    private var addresses: [Int32: String] = [:]
    /// Of the connection whose end is reported next: libzmq has one thread, which reports both in turn.
    private var fault: ConnectionRefusal.Reason?
    private(set) var refusals = RefusalList()

    private static let watched =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL

    init(_ context: ZeroMQContext, of monitored: ZeroMQSocket, usesKeys: Bool) throws {
        self.usesKeys = usesKeys
        events = try SocketEvents(context, of: monitored, watched: Self.watched)
    }

    func serve() throws {
        var accepted: Set<Int32> = []
        while let event = try events.next() {
            switch event.kind {
            case ZMQ_EVENT_ACCEPTED:
                // A descriptor that has been given out again since may be another peer's by now.
                addresses[event.value] = accepted.insert(event.value).inserted ? Self.peer(of: event.value) : ""
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: fault = reason(event.value)
            case ZMQ_EVENT_DISCONNECTED:
                let address = addresses.removeValue(forKey: event.value) ?? ""
                if let fault { refusals.add(ConnectionRefusal(address: address, reason: fault)) }
                fault = nil
            case _: fault = nil
            }
        }
    }

    private func reason(_ code: Int32) -> ConnectionRefusal.Reason {
        switch code {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: usesKeys ? .withoutKeys : .withKeys
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: .otherServerKey
        case _: .badHandshake
        }
    }

    func takeRefusals() -> [ConnectionRefusal] { refusals.take() }

    func close() { events.close() }

    /// The IP address at the other end; empty when there is none any more.
    private static func peer(of descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getpeername(descriptor, address, &size) == 0,
                    getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
                else { return "" }
                let name = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                return name.hasPrefix("::ffff:") ? String(name.dropFirst(7)) : name
            }
        }
    }
}

/// Refusals until somebody asks for them: each once, and a bounded number.
struct RefusalList {
    private var recent: [ConnectionRefusal] = []
    private static let most = 32

    mutating func add(_ refusal: ConnectionRefusal) {
        if recent.count < Self.most, !recent.contains(refusal) { recent.append(refusal) }
    }

    mutating func take() -> [ConnectionRefusal] {
        defer { recent = [] }
        return recent
    }
}
