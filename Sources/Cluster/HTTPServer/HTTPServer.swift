import Glibc
package import HTTPGateway
package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Carries requests from connections to whoever answers them, and the answers back. HTTP/1.1, without TLS.
package final class HTTPServer: Sendable {
    package struct Limits: Sendable {
        /// Connections at a time; others are hung up on.
        package var connections = 4096
        /// For the head of a request, from the connection or the last answer on.
        package var head = TimeAmount.seconds(15)
        /// For the next bytes of a body.
        package var body = TimeAmount.seconds(60)
        /// For a peer to take the next bytes of an answer.
        package var taking = TimeAmount.seconds(60)

        package init() {}
    }

    private let group: MultiThreadedEventLoopGroup
    private let listener: NIOAsyncChannel<NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>?, Never>
    private let answerer: any HTTPAnswering
    /// Where it listens: `HOST:PORT`.
    package let address: String

    /// Listens.
    ///
    /// - Parameter port: 0 takes a free one.
    /// - Throws: when the address is not to be had.
    package init(host: String, port: Int, answerer: any HTTPAnswering, limits: Limits = Limits()) async throws {
        self.answerer = answerer
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let gauge = ConnectionGauge(limit: limits.connections)
        do {
            listener = try await ServerBootstrap(group: group)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try Self.keepFromChildren(channel) }
                }
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.maxMessagesPerRead, value: 4)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Self.prepare(channel, gauge, limits) }
                }
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        address = listener.channel.localAddress.map(Self.text) ?? "\(host):\(port)"
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "?"
        return "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    }

    /// A process that this one starts must not have the connection, too: it would stay open until that ends. SwiftNIO
    /// 2.101 accepts connections without saying so.
    private static func keepFromChildren(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (socket: NIOBSDSocket.Handle) in
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        }
    }

    /// - Returns: nil for a connection that is too much.
    private static func prepare(
        _ channel: any Channel, _ gauge: ConnectionGauge, _ limits: Limits
    ) throws -> NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>? {
        guard gauge.enter() else {
            channel.close(promise: nil)
            return nil
        }
        channel.closeFuture.whenComplete { _ in gauge.leave() }
        try keepFromChildren(channel)
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
        try channel.pipeline.syncOperations.addHandler(ConnectionTimes(limits: limits))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(
                backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4), isOutboundHalfClosureEnabled: false))
    }

    /// Serves until `stop`, or until the task is cancelled.
    package func run() async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    guard let connection else { continue }
                    tasks.addTask { [answerer] in await HTTPConnection(connection, answerer).serve() }
                }
            }
            tasks.cancelAll()
        }
        try await group.shutdownGracefully()
    }

    /// Does something again and again in the loop that serves all connections, until that ends: it stands still when the loop
    /// does.
    package func repeatEvery(_ pause: Duration, _ body: @escaping @Sendable () -> Void) {
        let time = TimeAmount.nanoseconds(Int64(pause / .nanoseconds(1)))
        group.next().scheduleRepeatedTask(initialDelay: .zero, delay: time) { _ in body() }
    }

    /// No more connections are taken, and those that are there end.
    package func stop() { listener.channel.close(promise: nil) }
}
