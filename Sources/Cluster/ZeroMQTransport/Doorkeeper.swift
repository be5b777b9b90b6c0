import CZeroMQ
import ClusterProtocol
import Foundation
import Synchronization

/// Watches a server's connections on a thread of its own, so that a flood of them is answered while the server writes
/// to its disk: hangs up on those that are too many, and notices those that fail before anybody is known by a key:
/// another key of the server, none at all, or another release.
///
/// Who only connects and hangs up is passed over: that is how one looks whether anybody listens.
final class Doorkeeper: Sendable {
    private let table: Mutex<ConnectionTable>
    private let isStopping = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let usesKeys: Bool

    private static let watched =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
        | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
    private static let (look, inspection) = (Duration.milliseconds(50), Duration.milliseconds(200))

    init(
        _ context: ZeroMQContext, of monitored: ZeroMQSocket, usesKeys: Bool, limits: ConnectionLimits
    ) throws {
        self.usesKeys = usesKeys
        table = Mutex(ConnectionTable(limits: limits))
        let events = Handover(events: try SocketEvents(context, of: monitored, watched: Self.watched))
        let thread = Thread { [self] in
            watch(events)
            ended.signal()
        }
        thread.name = "doors"
        thread.start()
    }

    /// libzmq's sockets may go to another thread, once; starting it is the fence.
    private final class Handover: @unchecked Sendable {  // given away at once
        private var events: SocketEvents?
        init(events: SocketEvents) { self.events = events }

        func take() -> SocketEvents? {
            defer { events = nil }
            return events
        }
    }

    // MARK: The server's thread

    var count: ConnectionCount { table.withLock(\.count) }

    func takeRefusals() -> [ConnectionRefusal] { table.withLock { $0.takeRefusals() } }

    /// - Returns: the peer's address; empty where it is not known.
    func heard(_ message: IncomingMessage, bytes: Int, key: String?, connection: ConnectionID) -> String {
        guard message.descriptor >= 0 else { return message.peerAddress ?? "" }
        let address = table.withLock {
            $0.heard(message.descriptor, bytes: bytes, key: key, connection: connection)
        }
        return address.isEmpty ? message.peerAddress ?? "" : address
    }

    func turnAway(_ connection: ConnectionID, _ reason: ConnectionRefusal.Reason) {
        table.withLock { $0.turnAway(connection, reason) }
    }

    /// Ends connections whose keys are not allowed any more, as soon as they were told.
    ///
    /// - Returns: those, with their keys.
    func expel(where isUnwanted: (String) -> Bool) -> [ConnectionTable.Entry] {
        table.withLock { $0.expel(now: .now, where: isUnwanted) }
    }

    /// Waits until nothing is watched any more.
    func close() {
        guard !isStopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        ended.wait()
    }

    // MARK: Its own thread

    private func watch(_ handover: Handover) {
        guard let events = handover.take() else { return }
        defer { events.close() }
        var fault: ConnectionRefusal.Reason?
        var next = ContinuousClock.now
        while !isStopping.load(ordering: .acquiring) {
            // The end of libzmq's context is the server's business.
            guard (try? events.wait(Self.look)) != nil else { return }
            while let event = try? events.next() { follow(event, &fault) }
            if .now >= next {
                next = .now + Self.inspection
                table.withLock { $0.inspect(now: .now, received: PeerPlace.received) }
            }
        }
    }

    /// - Parameter fault: of the connection whose end is reported next: libzmq has one thread, which reports both in turn.
    private func follow(_ event: SocketEvents.Event, _ fault: inout ConnectionRefusal.Reason?) {
        switch event.kind {
        case ZMQ_EVENT_ACCEPTED:
            let place = PeerPlace(of: event.value)
            table.withLock { $0.accepted(event.value, place) }
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: fault = reason(event.value)
        case ZMQ_EVENT_DISCONNECTED:
            let found = fault
            table.withLock { table in
                let entry = table.closed(event.value)
                if let found, entry?.isShut != true {
                    table.note(ConnectionRefusal(address: entry?.address ?? "", reason: found))
                }
            }
            fault = nil
        case ZMQ_EVENT_CLOSED: _ = table.withLock { $0.closed(event.value) }
        case _: fault = nil
        }
    }

    private func reason(_ code: Int32) -> ConnectionRefusal.Reason {
        switch code {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: usesKeys ? .withoutKeys : .withKeys
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: .otherServerKey
        case _: .badHandshake
        }
    }
}
