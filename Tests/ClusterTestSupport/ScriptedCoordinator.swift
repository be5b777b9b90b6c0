package import ClusterClient
package import ClusterProtocol
import Foundation
import Synchronization

/// A coordinator that answers a client as a test says, over the in-memory transport.
package final class ScriptedCoordinator: Sendable {
    private let network = InMemoryNetwork()
    private let isStopping = Atomic(false)
    private let asked = Mutex<[WireClientRequest.OneOf_Kind]>([])
    private let ended = DispatchGroup()

    /// - Parameter answer: fills in the reply to a request; nil leaves it without one.
    package init(_ answer: @escaping @Sendable (WireClientRequest.OneOf_Kind, inout WireClientReply) -> Void) {
        let network = network
        ended.enter()
        Thread { [self] in
            defer { ended.leave() }
            let server = network.makeServer()
            while !isStopping.load(ordering: .relaxed) {
                for message in (try? server.receive(timeout: .milliseconds(20), limit: 16)) ?? [] {
                    guard case .request(let request) = try? WireToCoordinator(payload: message.payload).kind,
                        let kind = request.kind
                    else { continue }
                    asked.withLock { $0.append(kind) }
                    var reply = WireClientReply()
                    reply.number = request.number
                    answer(kind, &reply)
                    if let payload = try? WireFromCoordinator(kind: .reply(reply)).payload() {
                        _ = try? server.send(payload, to: message.connection)
                    }
                }
            }
        }.start()
    }

    /// All that was asked, in its order.
    package var requests: [WireClientRequest.OneOf_Kind] { asked.withLock { $0 } }

    package func client(mayWait: @escaping @Sendable () throws -> Void = {}) -> ClusterClient {
        ClusterClient(ClientConnection(transport: network.makeClient(), place: "the test"), mayWait: mayWait)
    }

    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        ended.wait()
    }
}

/// Calls of a script, counted.
package final class Counter: Sendable {
    private let value = Mutex(0)

    package init() {}

    /// - Returns: how often it was called before.
    package func next() -> Int {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}
