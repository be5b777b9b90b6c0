import Foundation
import HTTPGateway
import HTTPServer
import Synchronization

/// A server on threads of its own.
final class HTTPService: Sendable {
    private let server: HTTPServer
    private let ended = DispatchGroup()

    /// Listens, and serves from now on.
    ///
    /// - Parameter option: what names the address, for messages.
    /// - Throws: `CommandError` when the address is not to be had.
    init(host: String, port: Int, answerer: any HTTPAnswering, option: String) throws {
        do {
            server = try Self.wait { try await HTTPServer(host: host, port: port, answerer: answerer) }
        } catch {
            throw CommandError("\(option): \(error)")
        }
        ended.enter()
        Task { [server, ended] in
            do { try await server.run() } catch { Terminal.log("HTTP on \(server.address) ended: \(error)") }
            ended.leave()
        }
    }

    /// HOST:PORT, with the port that the system chose where none was given.
    var address: String { server.address }

    /// Does something again and again in the loop that serves all connections.
    func repeatEvery(_ pause: Duration, _ body: @escaping @Sendable () -> Void) {
        server.repeatEvery(pause, body)
    }

    func stop() { server.stop() }

    /// Returns when it has stopped.
    func wait() { ended.wait() }

    /// Runs a task and waits for it, on a thread that no task runs on.
    private static func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<Value, any Error>?>(nil)
        Task {
            let value: Result<Value, any Error>
            do { value = .success(try await body()) } catch { value = .failure(error) }
            result.withLock { $0 = value }
            done.signal()
        }
        done.wait()
        guard let value = result.withLock({ $0 }) else { throw CommandError("it did not start") }
        return try value.get()
    }
}
