package import ClusterClient
import Synchronization

/// The gateway's connections with the coordinator. A client asks one thing at a time, so there are several: what takes
/// long, such as the check of a large model or the hash of an upload, has connections of its own.
package final class ClusterAccess: Sendable {
    private let quick: Lanes
    private let slow: Lanes

    /// - Parameter makeClient: called once for each connection.
    package init(makeClient: () throws -> ClusterClient) rethrows {
        quick = Lanes(try (0..<4).map { _ in try makeClient() })
        slow = Lanes(try (0..<2).map { _ in try makeClient() })
    }

    package func close() {
        quick.close()
        slow.close()
    }

    /// - Throws: `Problem` when too many wait, `ClientError`.
    func ask<Answer: Sendable>(_ body: @escaping @Sendable (ClusterClient) throws -> Answer) async throws -> Answer {
        try await quick.ask(body)
    }

    /// The same for what may take minutes.
    func askSlowly<Answer: Sendable>(
        _ body: @escaping @Sendable (ClusterClient) throws -> Answer
    ) async throws -> Answer { try await slow.ask(body) }
}

/// Connections that are alike: a request goes to the one for which the fewest wait.
private final class Lanes: Sendable {
    private let clients: [ClusterClient]
    private let waiting: Mutex<[Int]>

    /// Requests that wait for one connection.
    private static let most = 256

    init(_ clients: [ClusterClient]) {
        self.clients = clients
        waiting = Mutex(Array(repeating: 0, count: clients.count))
    }

    func close() {
        for client in clients { client.close() }
    }

    func ask<Answer: Sendable>(_ body: @escaping @Sendable (ClusterClient) throws -> Answer) async throws -> Answer {
        let lane = try waiting.withLock { waiting in
            guard let lane = waiting.indices.min(by: { waiting[$0] < waiting[$1] }), waiting[lane] < Self.most else {
                throw Problem(
                    .tooManyRequests, "too many requests wait for the coordinator; try again later",
                    fields: ["Retry-After": "\(Problem.pause)"])
            }
            waiting[lane] += 1
            return lane
        }
        defer { waiting.withLock { $0[lane] -= 1 } }
        return try await clients[lane].perform(body)
    }
}
