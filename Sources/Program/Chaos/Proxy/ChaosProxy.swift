import Foundation
import Synchronization

/// Forwards TCP from a port of its own to another port of loopback, and makes the connections suffer: a thread of its own
/// polls them all, and each direction keeps at most 256 KiB.
package final class ChaosProxy: Sendable {
    private enum Break: Sendable { case reset, cut }

    private struct State {
        var condition = LinkCondition.good
        var counts = LinkCounts()
        var wanted: Break?
        var isEnding = false
        /// Turns that were begun.
        var turns = 0
    }

    /// Where it listens, on 127.0.0.1.
    package let port: UInt16
    private let target: UInt16
    private let listener: Int32
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - target: a port of 127.0.0.1.
    ///   - seed: of which bits are flipped.
    /// - Throws: `SystemError` when there is no port.
    package init(to target: UInt16, seed: UInt64) throws {
        self.target = target
        (listener, port) = try Sockets.listener()
        let thread = Thread { [self] in
            var loop = ProxyLoop(listener: listener, target: self.target, seed: seed)
            while loop.turn(order()) { deliver(loop.takeCounts()) }
            ended.signal()
        }
        thread.name = "proxy"
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// From the moment when it is set on, bytes that come are treated so.
    package var condition: LinkCondition {
        get { state.withLock { $0.condition } }
        set { order { $0.condition = newValue } }
    }

    /// Orders something, and waits for the end of the turn that runs, which may have another order.
    private func order(_ change: (inout State) -> Void) {
        let before = state.withLock { state in
            change(&state)
            return state.turns
        }
        while state.withLock({ $0.turns == before && !$0.isEnding }) { usleep(1000) }
    }

    package var counts: LinkCounts { state.withLock { $0.counts } }

    /// Resets all connections that there are.
    package func reset() { state.withLock { $0.wanted = .reset } }

    /// Lets half of the bytes pass that come next, and closes their connection.
    package func cut() { order { $0.wanted = .cut } }

    /// Ends it with its connections.
    package func close() {
        state.withLock { $0.isEnding = true }
        ended.wait()
    }

    private func order() -> ProxyLoop.Order {
        state.withLock { state in
            state.turns += 1
            defer { if state.wanted == .reset { state.wanted = nil } }
            return ProxyLoop.Order(
                condition: state.condition, resets: state.wanted == .reset, cuts: state.wanted == .cut,
                ends: state.isEnding)
        }
    }

    private func deliver(_ counts: LinkCounts) {
        state.withLock { state in
            if state.wanted == .cut, counts.broken > 0 { state.wanted = nil }
            state.counts.forwarded += counts.forwarded
            state.counts.held += counts.held
            state.counts.late += counts.late
            state.counts.flipped += counts.flipped
            state.counts.broken += counts.broken
        }
    }
}
