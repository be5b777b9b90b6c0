import CZeroMQ
import SystemErrors

/// libzmq's context: its I/O thread and the space of its in-process addresses. One a process is enough (tests
/// make more, to stand for more processes).
///
/// Every socket keeps its context alive. The context ends with the last of them, and waits then for what a
/// draining close still has to send.
package final class ZeroMQContext: @unchecked Sendable {  // libzmq's contexts may be used by any thread
    let handle: UnsafeMutableRawPointer

    package init() throws {
        guard let handle = zmq_ctx_new() else { throw ZeroMQError("cannot start ZeroMQ") }
        self.handle = handle
        // Nobody outside this module sees a socket, so the number of them is ours: a few a transport.
        zmq_ctx_set(handle, ZMQ_IO_THREADS, 1)
    }

    deinit {
        while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
    }
}

/// What went wrong with a socket, a key or an endpoint.
package struct ZeroMQError: Error, CustomStringConvertible, SystemFault {
    package let description: String
    /// Of a file that the system did not let be read.
    package let systemCode: Int32?

    /// An error of our own finding.
    init(explaining description: String, systemCode: Int32? = nil) {
        self.description = description
        self.systemCode = systemCode
    }

    /// What libzmq's last call on this thread failed with.
    init(_ what: String, errorNumber: Int32 = zmq_errno()) {
        description = "\(what): \(String(cString: zmq_strerror(errorNumber)))"
        systemCode = nil
    }
}
