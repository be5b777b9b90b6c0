/// One peer as a transport sees it: the routing id a server gave to a connection, or, at a worker or a
/// client, the one coordinator it is connected to.
///
/// A connection, not an identity: a peer that reconnects has a new one, and two connections of one peer
/// differ. Who the peer is comes from ``ReceivedMessage/peerKey`` and from what it says in its HELLO.
package struct ConnectionID: Hashable, Sendable {
    /// The routing id's bytes; empty only for ``coordinator``.
    package var bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What a worker or a client calls the other end.
    package static let coordinator = ConnectionID(bytes: [])
}

/// One whole message and where it came from.
package struct ReceivedMessage: Sendable, Equatable {
    /// Where an answer goes.
    package var connection: ConnectionID

    /// The CURVE public key (Z85, 40 characters) that the peer has proved to hold; nil without CURVE, and nil
    /// at workers and clients, whose only peer has proved the key they were configured with.
    package var peerKey: String?

    /// What the holder of the key may do; everything without CURVE.
    package var roles: PeerRoles

    /// At most ``TransportLimits/maximumMessageSize`` bytes, not decoded in any way.
    package var payload: [UInt8]

    /// The peer's network address, for people; empty where the transport does not know it.
    package var address: String

    package init(
        connection: ConnectionID, peerKey: String?, roles: PeerRoles = .admin, payload: [UInt8], address: String = ""
    ) {
        self.connection = connection
        self.peerKey = peerKey
        self.roles = roles
        self.payload = payload
        self.address = address
    }

    /// Where it was sent from is no part of a message.
    package static func == (left: ReceivedMessage, right: ReceivedMessage) -> Bool {
        left.connection == right.connection && left.peerKey == right.peerKey && left.roles == right.roles
            && left.payload == right.payload
    }
}

/// What every transport enforces.
package enum TransportLimits {
    /// The largest payload, in bytes. A larger one is refused on send, and dropped on receive together with
    /// its connection.
    package static let maximumMessageSize = 64 * 1024
}

/// Carries whole messages between one server (the coordinator) and its peers (workers and clients).
///
/// What a user may count on:
/// - Messages of one connection arrive in the order in which they were sent, each at most once.
/// - A message that ``send(_:to:)`` took may still be lost with its connection. Whoever needs it to arrive
///   keeps it until it is acknowledged and sends it again after a reconnect.
/// - A client reconnects by itself; the server then sees a new ``ConnectionID``.
///
/// A transport is owned by one thread, which alone calls ``receive(timeout:limit:)``, ``send(_:to:)`` and
/// ``close()``. Any thread may use ``waker``.
package protocol Transport: AnyObject {
    /// Blocks until a message is there, the waker is used, or the timeout passes, and then returns what is
    /// there, without waiting for more: at most `limit` messages (the rest stay for the next call), none
    /// after a timeout and possibly none after a wake.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait; zero or less only looks.
    ///   - limit: the most messages to return, at least 1.
    /// - Throws: ``TransportError/closed`` after ``close()``; other errors mean that the transport is
    ///   unusable.
    func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage]

    /// Hands one message over for sending, without waiting.
    ///
    /// - Returns: false if nothing was sent, because the peer is gone or unknown, or its queue is full.
    /// - Throws: ``TransportError/messageTooLarge(size:)`` and ``TransportError/closed``, which are mistakes
    ///   of the caller; other errors mean that the transport is unusable.
    func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool

    /// Ends the owner's ``receive(timeout:limit:)`` early, from any thread.
    var waker: any Waker { get }

    /// Disconnects at once, and drops what has not been sent. Closing again does nothing.
    func close()

    /// How a worker's or a client's connection stood at the end of the last ``receive(timeout:limit:)``.
    var status: ConnectionStatus { get }

    /// Who was refused by a server since the last call: each once, and a bounded number.
    func takeRefusals() -> [ConnectionRefusal]

    /// How many connections a server has; nil where they cost nothing.
    var connections: ConnectionCount? { get }

    /// Hangs up on a peer that sends what nobody wants. It may come again.
    func hangUp(on connection: ConnectionID)
}

/// Of a transport that always has its connection, and refuses nobody.
extension Transport {
    package var status: ConnectionStatus { .connected }
    package func takeRefusals() -> [ConnectionRefusal] { [] }
    package var connections: ConnectionCount? { nil }
    package func hangUp(on connection: ConnectionID) {}
}

/// Wakes the thread that waits in a transport's `receive`.
package protocol Waker: Sendable {
    /// Ends the running `receive`, or the next one if none is running. Several calls before that count as
    /// one. What the calling thread wrote before is visible to the woken one. Does nothing once the transport
    /// is closed.
    func wake()
}

/// A wrong use of a transport.
package enum TransportError: Error, Equatable, CustomStringConvertible {
    /// The payload has more bytes than ``TransportLimits/maximumMessageSize``.
    case messageTooLarge(size: Int)
    /// The transport has been closed.
    case closed

    package var description: String {
        switch self {
        case .messageTooLarge(let size):
            "a message of \(size) bytes cannot be sent: the limit is \(TransportLimits.maximumMessageSize); "
                + "split it"
        case .closed:
            "the transport has been closed"
        }
    }
}
