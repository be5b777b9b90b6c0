import ClusterClient
import Foundation
import HTTPGateway
import HTTPServer
import Synchronization
import SystemErrors

/// The HTTP API, as a command runs it: a server and a gateway on threads of their own.
final class GatewayService: Sendable {
    private let server: HTTPServer
    private let cluster: ClusterAccess
    private let isStopping: StopFlag
    private let ended = DispatchGroup()

    /// Listens, and serves from now on.
    ///
    /// - Parameters:
    ///   - folder: the gateway's own.
    ///   - makeClient: a client of the coordinator, which is given what says whether it may wait for an answer.
    init(
        _ options: HTTPOptions, standardTokens: String?, folder: URL, tools: any SongTools,
        makeClient: (@escaping @Sendable () throws -> Void) throws -> ClusterClient
    ) throws {
        let flag = StopFlag()
        isStopping = flag
        cluster = try ClusterAccess { try makeClient { try flag.check() } }
        let (doors, faults) = try options.doors(standardTokens: standardTokens)
        for fault in faults { Terminal.log("warning: \(fault); the other lines count") }
        let gateway = try Gateway(
            cluster: cluster, tools: tools, folder: folder,
            settings: Gateway.Settings(doors: doors, log: { Terminal.log("http: \($0)") }))
        let (host, port) = try options.place()
        server = try Self.wait { try await HTTPServer(host: host, port: port, gateway: gateway) }
        Terminal.log("serves the HTTP API on http://\(server.address)/api/v1")
        if let file = options.httpEndpointFile { try OutputFile.replace(file, with: "http://\(server.address)") }
        ended.enter()
        Task { [server, ended] in
            do { try await server.run() } catch { Terminal.log("the HTTP API ended: \(error)") }
            ended.leave()
        }
    }

    /// HOST:PORT, with the port that the system chose where none was given.
    var address: String { server.address }

    /// Ends connections; what the coordinator was asked is not waited for.
    func stop() {
        isStopping.set()
        server.stop()
    }

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
        guard let value = result.withLock({ $0 }) else { throw CommandError("the HTTP API did not start") }
        do { return try value.get() } catch { throw CommandError("--http: \(error)") }
    }
}

/// Says that nothing is waited for any more.
private final class StopFlag: Sendable {
    private let isSet = Atomic(false)
    func set() { isSet.store(true, ordering: .relaxed) }
    func check() throws {
        if isSet.load(ordering: .relaxed) { throw ClientError("the gateway is being stopped", .unavailable) }
    }
}
