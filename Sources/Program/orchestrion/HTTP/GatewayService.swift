import ClusterClient
import Foundation
import HTTPGateway
import ServiceNotice
import Synchronization
import SystemErrors

/// The HTTP API, as a command runs it: a server and a gateway on threads of their own.
final class GatewayService: Sendable {
    private let served: HTTPService
    private let cluster: ClusterAccess
    private let isStopping: StopFlag

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
        served = try HTTPService(host: host, port: port, answerer: gateway, option: "--http")
        Terminal.log("serves the HTTP API on http://\(address)/api/v1")
        if let file = options.httpEndpointFile { try OutputFile.replace(file, with: "http://\(address)") }
    }

    /// HOST:PORT, with the port that the system chose where none was given.
    var address: String { served.address }

    /// Tells systemd that it is alive, from the loop that serves all connections.
    func keepAlive() {
        let notice = ServiceNotice.process
        guard let watchdog = notice.watchdog else { return }
        served.repeatEvery(watchdog / 4) { notice.alive() }
    }

    /// Ends connections; what the coordinator was asked is not waited for.
    func stop() {
        isStopping.set()
        served.stop()
    }

    /// Returns when it has stopped.
    func wait() { served.wait() }
}

/// Says that nothing is waited for any more.
private final class StopFlag: Sendable {
    private let isSet = Atomic(false)
    func set() { isSet.store(true, ordering: .relaxed) }
    func check() throws {
        if isSet.load(ordering: .relaxed) { throw ClientError("the gateway is being stopped", .unavailable) }
    }
}
