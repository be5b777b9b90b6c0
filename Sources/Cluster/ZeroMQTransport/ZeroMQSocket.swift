import CZeroMQ
import ClusterProtocol

/// The one owner of a libzmq socket. Used by one thread at a time.
final class ZeroMQSocket {
    /// What became of a frame that was to be sent.
    enum SendOutcome {
        case sent
        /// No such peer, or its queue is full.
        case refused
    }

    private let context: ZeroMQContext
    private var openHandle: UnsafeMutableRawPointer?

    init(_ context: ZeroMQContext, type: Int32) throws {
        guard let handle = zmq_socket(context.handle, type) else {
            throw ZeroMQError("cannot make a ZeroMQ socket")
        }
        self.context = context
        openHandle = handle
    }

    deinit {
        close(lingering: .zero)
    }

    /// The socket, as libzmq's calls want it.
    var handle: UnsafeMutableRawPointer {
        get throws(TransportError) {
            guard let openHandle else { throw .closed }
            return openHandle
        }
    }

    /// Closes once; what is in the queues is sent for at most `linger` longer.
    func close(lingering linger: Duration) {
        guard let handle = openHandle else { return }
        openHandle = nil
        var milliseconds = linger.wholeMilliseconds
        zmq_setsockopt(handle, ZMQ_LINGER, &milliseconds, MemoryLayout<Int32>.size)
        zmq_close(handle)
    }

    // MARK: Options and addresses

    func set(_ option: Int32, to value: Int32) throws {
        var value = value
        guard zmq_setsockopt(try handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw ZeroMQError("cannot set ZeroMQ's option \(option) to \(value)")
        }
    }

    func setInt64(_ option: Int32, to value: Int64) throws {
        var value = value
        guard zmq_setsockopt(try handle, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw ZeroMQError("cannot set ZeroMQ's option \(option) to \(value)")
        }
    }

    /// Does not put the value into an error's text: it may be a secret.
    func set(_ option: Int32, to bytes: [UInt8]) throws {
        guard zmq_setsockopt(try handle, option, bytes, bytes.count) == 0 else {
            throw ZeroMQError("cannot set ZeroMQ's option \(option)")
        }
    }

    func bind(to endpoint: String) throws {
        guard zmq_bind(try handle, endpoint) == 0 else {
            throw ZeroMQError("cannot listen on \(endpoint)")
        }
    }

    func unbind(from endpoint: String) {
        guard let openHandle else { return }
        zmq_unbind(openHandle, endpoint)
    }

    func connect(to endpoint: String) throws {
        guard zmq_connect(try handle, endpoint) == 0 else {
            throw ZeroMQError("cannot connect to \(endpoint)")
        }
    }

    /// The endpoint of the last ``bind(to:)``, with the port that the system chose.
    func lastEndpoint() throws -> String {
        var text = [UInt8](repeating: 0, count: 256)
        var count = text.count
        guard zmq_getsockopt(try handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw ZeroMQError("cannot read the endpoint of a ZeroMQ socket")
        }
        return String(decoding: text.prefix(while: { $0 != 0 }), as: UTF8.self)
    }

    // MARK: Messages

    /// Sends one frame without waiting; `more` follow it in the same message.
    func send(_ frame: [UInt8], more: Bool = false) throws -> SendOutcome {
        let handle = try handle
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        while zmq_send(handle, frame, frame.count, flags) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN, EHOSTUNREACH: return .refused
            case let number: throw ZeroMQError("cannot send a message", errorNumber: number)
            }
        }
        return .sent
    }

    /// The next whole message, if one is there. Frames after the first `frameLimit` are read and counted
    /// only.
    func receive(frameLimit: Int) throws -> IncomingMessage? {
        var message = IncomingMessage()
        repeat {
            guard try receiveFrame(into: &message, frameLimit: frameLimit) else { return nil }
        } while message.isPartial
        return message
    }

    private func receiveFrame(into message: inout IncomingMessage, frameLimit: Int) throws -> Bool {
        let handle = try handle
        var storage = zmq_msg_t()
        return try withUnsafeMutablePointer(to: &storage) { frame in
            zmq_msg_init(frame)
            defer { zmq_msg_close(frame) }
            while zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN: return false
                case let number: throw ZeroMQError("cannot receive a message", errorNumber: number)
                }
            }
            message.frameCount += 1
            if message.frameCount <= frameLimit {
                message.frames.append(
                    [UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame))))
                // libzmq 4.3.4 can lose what it knows of the peer on a ROUTER's first frame, so the last
                // counts.
                message.userID = zmq_msg_gets(frame, "User-Id").map { String(cString: $0) }
                if message.userID != nil {
                    message.peerAddress = zmq_msg_gets(frame, "Peer-Address").map { String(cString: $0) }
                }
                message.descriptor = zmq_msg_get(frame, ZMQ_SRCFD)
            }
            if message.frameCount > 1 { message.wireBytes += Self.wireBytes(zmq_msg_size(frame)) }
            message.isPartial = zmq_msg_more(frame) != 0
            return true
        }
    }
}

extension ZeroMQSocket {
    /// About what a frame takes on the wire: flags and length before it.
    private static func wireBytes(_ size: Int) -> Int { size + (size > 255 ? 9 : 2) }
}

/// A message as it came off a socket.
struct IncomingMessage {
    var frames: [[UInt8]] = []
    var frameCount = 0
    /// What the authentication handler called the peer: its public key.
    var userID: String?
    /// The peer's IP address, where libzmq says it.
    var peerAddress: String?
    /// Of the connection that it came over; -1 where libzmq does not say.
    var descriptor: Int32 = -1
    /// What its frames took on the wire, without a ROUTER's first one and what CURVE adds.
    var wireBytes = 0
    var isPartial = true
}

extension Duration {
    /// Rounded up, so that a wait of it is never too short, and within what libzmq takes.
    var wholeMilliseconds: Int32 {
        guard self > .zero else { return 0 }
        guard self < .seconds(86_400) else { return 86_400_000 }
        return Int32((self / .milliseconds(1)).rounded(.up))
    }
}
