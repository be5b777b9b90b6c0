import CZeroMQ
import ClusterProtocol
import Synchronization

/// Wakes a thread that polls ``receiver``, over a pair of in-process sockets.
final class ZeroMQWaker: Waker {
    /// A socket may change threads if each hand-over is a full fence; the mutex is one.
    private struct Sender: @unchecked Sendable {  // only ever used with the mutex held
        var socket: ZeroMQSocket?
        /// A wake that the owner has not seen: further ones add nothing.
        var isWakePending = false
    }

    private let sender: Mutex<Sender>

    /// Makes a waker and the socket that becomes readable when it is used.
    static func make(_ context: ZeroMQContext) throws -> (waker: ZeroMQWaker, receiver: ZeroMQSocket) {
        let address = "inproc://orchestrion.wake.\(pairsMade.wrappingAdd(1, ordering: .relaxed).newValue)"
        let receiver = try ZeroMQSocket(context, type: ZMQ_PAIR)
        try receiver.bind(to: address)
        let socket = try ZeroMQSocket(context, type: ZMQ_PAIR)
        try socket.connect(to: address)
        return (ZeroMQWaker(Sender(socket: socket)), receiver)
    }

    private static let pairsMade = Atomic<UInt64>(0)

    private init(_ sender: Sender) {
        self.sender = Mutex(sender)
    }

    func wake() {
        sender.withLock { sender in
            guard let socket = sender.socket, !sender.isWakePending else { return }
            // The one message that is under way at most always fits; nothing could be done about an error
            // here.
            sender.isWakePending = (try? socket.send([])) == .sent
        }
    }

    /// Makes `receiver` unreadable again. What was written before the wakes that this swallows is visible
    /// after.
    func acknowledge(on receiver: ZeroMQSocket) throws {
        try sender.withLock { sender in
            while try receiver.receive(frameLimit: 0) != nil {}
            sender.isWakePending = false
        }
    }

    func close() {
        sender.withLock { sender in
            sender.socket?.close(lingering: .zero)
            sender.socket = nil
        }
    }
}
