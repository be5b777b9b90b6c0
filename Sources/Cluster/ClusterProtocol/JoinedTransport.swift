/// A coordinator's transport with peers elsewhere, joined with one for peers in its own process: so that a gateway beside the
/// coordinator needs no key, and no port.
package final class JoinedTransport: Transport {
    private let outer: any Transport
    private let inner: InMemoryServer

    /// What the other's connection ids begin with: they may be any bytes.
    private static let (outside, inside) = (UInt8(0), UInt8(1))

    /// - Parameter network: of the peers in this process. What they send wakes whoever waits for messages from outside.
    package init(_ outer: any Transport, _ network: InMemoryNetwork) {
        self.outer = outer
        let waker = outer.waker
        network.onMessage { waker.wake() }
        inner = network.makeServer()
    }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        let first = try inner.receive(timeout: .zero, limit: limit)
        guard first.count < limit else { return first.map { Self.tagged($0, Self.inside) } }
        let messages = try outer.receive(timeout: first.isEmpty ? timeout : .zero, limit: limit - first.count)
        var all = first.map { Self.tagged($0, Self.inside) } + messages.map { Self.tagged($0, Self.outside) }
        if all.isEmpty { all = try inner.receive(timeout: .zero, limit: limit).map { Self.tagged($0, Self.inside) } }
        return all
    }

    private static func tagged(_ message: ReceivedMessage, _ tag: UInt8) -> ReceivedMessage {
        var message = message
        message.connection = tagged(message.connection, tag)
        return message
    }

    private static func tagged(_ connection: ConnectionID, _ tag: UInt8) -> ConnectionID {
        ConnectionID(bytes: [tag] + connection.bytes)
    }

    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        let own = ConnectionID(bytes: Array(connection.bytes.dropFirst()))
        guard connection.bytes.first == Self.inside else { return try outer.send(payload, to: own) }
        return try inner.send(payload, to: own)
    }

    package var waker: any Waker { outer.waker }

    package func close() {
        inner.close()
        outer.close()
    }

    package var status: ConnectionStatus { outer.status }

    package func takeRefusals() -> [ConnectionRefusal] {
        outer.takeRefusals().map { refusal in
            var refusal = refusal
            refusal.connection = refusal.connection.map { Self.tagged($0, Self.outside) }
            return refusal
        }
    }

    package var connections: ConnectionCount? { outer.connections }

    package func hangUp(on connection: ConnectionID) {
        guard connection.bytes.first == Self.outside else { return }
        outer.hangUp(on: ConnectionID(bytes: Array(connection.bytes.dropFirst())))
    }
}
