import ClusterClient
import ClusterProtocol
import ClusterTestSupport
import Foundation
import HTTPGateway
import ModelTestSupport
import NIOCore
import SongFiles
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Serves a gateway whose coordinator keeps silent unless a test says otherwise.
private final class ServedGateway {
    let server: HTTPServer
    let coordinator: ScriptedCoordinator
    private let folder: TemporaryFolder
    private let cluster: ClusterAccess
    private let task: Task<Void, any Error>

    init(_ limits: HTTPServer.Limits = HTTPServer.Limits(), _ coordinator: ScriptedCoordinator? = nil) async throws {
        folder = try TemporaryFolder()
        let scripted = coordinator ?? ScriptedCoordinator { _, _ in }
        self.coordinator = scripted
        cluster = ClusterAccess { scripted.client() }
        let gateway = try Gateway(
            cluster: cluster, tools: NoTools(), folder: folder.url, settings: Gateway.Settings(doors: .loopback))
        server = try await HTTPServer(host: "127.0.0.1", port: 0, answerer: gateway, limits: limits)
        task = Task { [server] in try await server.run() }
    }

    func stop() async {
        server.stop()
        _ = await task.result
        cluster.close()
        coordinator.stop()
    }
}

private struct NoTools: SongTools {
    func plan(_ request: SongRequest, workers: String) throws -> [UInt8] { [] }
    func picture(of folder: URL, level: Int?, sample: Int, out: URL) throws {}
    func lyricTimes(of folder: URL, sample: Int) throws -> SungLyrics { SungLyrics() }
    func seams(of folder: URL, level: Int?, sample: Int) throws -> [UInt8] { [] }
    func convert(_ audio: URL, to format: String, out: URL) throws {}
}

@Suite("The HTTP server")
struct ServerTests {
    private static let head = "GET /livez HTTP/1.1\r\nHost: localhost\r\n"

    @Test func `requests of one connection are answered one after another`() async throws {
        let served = try await ServedGateway()
        let client = try RawClient(served.server.address)
        await client.send(Self.head + "\r\n" + Self.head + "Connection: close\r\n\r\n")
        let text = await client.receive(until: "never")
        #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 3)
        #expect(text.components(separatedBy: "{\"status\":\"ok\"").count == 3)
        await served.stop()
    }

    @Test func `a head that takes its time is hung up on, and one that is long`() async throws {
        var limits = HTTPServer.Limits()
        limits.head = .milliseconds(300)
        let served = try await ServedGateway(limits)
        let slow = try RawClient(served.server.address)
        await slow.send("GET /livez HTTP/1.1\r\nX-Slow: ")
        #expect(await slow.isHungUpOn())
        // One that never says anything, too.
        #expect(await (try RawClient(served.server.address)).isHungUpOn())
        let long = try RawClient(served.server.address)
        await long.send("GET /livez HTTP/1.1\r\nX-Long: ")
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 65_536)
        var isCut = false
        for _ in 0..<1000 where !isCut { isCut = await !long.send(piece) }
        #expect(isCut)
        await served.stop()
    }

    @Test func `a body that stands still is hung up on`() async throws {
        var limits = HTTPServer.Limits()
        limits.body = .milliseconds(300)
        let served = try await ServedGateway(limits)
        let client = try RawClient(served.server.address)
        await client.send(
            "POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        #expect(await client.isHungUpOn())
        await served.stop()
    }

    @Test func `beyond the most connections one is hung up on, and there is room when others have gone`() async throws {
        var limits = HTTPServer.Limits()
        limits.connections = 2
        limits.head = .seconds(600)
        let served = try await ServedGateway(limits)
        var clients = try (0..<2).map { _ in try RawClient(served.server.address) }
        for client in clients {
            await client.send(Self.head + "\r\n")
            #expect(await client.receive(until: "ok").contains("200 OK"))
        }
        #expect(await (try RawClient(served.server.address)).isHungUpOn())
        clients.removeAll()
        var isServed = false
        for _ in 0..<6000 where !isServed {
            let client = try RawClient(served.server.address)
            await client.send(Self.head + "\r\n")
            isServed = await client.receive(until: "ok").contains("200 OK")
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(isServed)
        await served.stop()
    }

    @Test func `a refused body is not taken for a request`() async throws {
        let served = try await ServedGateway()
        let client = try RawClient(served.server.address)
        await client.send(
            "POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000000\r\n\r\n" + Self.head
                + "\r\n")
        let text = await client.receive(until: "never")
        #expect(text.hasPrefix("HTTP/1.1 413"))
        #expect(text.components(separatedBy: "HTTP/1.1").count == 2)
        await served.stop()
    }

    @Test func `who waits for a word before its body gets it when the body is wanted`() async throws {
        let served = try await ServedGateway()
        let refused = try RawClient(served.server.address)
        await refused.send(
            "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(await refused.receive(until: "never").hasPrefix("HTTP/1.1 404"))
        let wanted = try RawClient(served.server.address)
        await wanted.send(
            "POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(await wanted.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
        await served.stop()
    }

    @Test func `a client that does not take its answer is hung up on, and costs no memory`() async throws {
        var limits = HTTPServer.Limits()
        limits.taking = .milliseconds(500)
        let sent = Atomic(0)
        let piece = [UInt8](repeating: 7, count: 48 << 10)
        let coordinator = ScriptedCoordinator { kind, reply in
            switch kind {
            case .list:
                reply.files.state = "finished"
                var file = WireFileEntry()
                (file.path, file.size) = ("codes.safetensors", 1 << 30)
                reply.files.files = [file]
            case .read:
                sent.add(1, ordering: .relaxed)
                reply.piece.data = Data(piece)
            default: break
            }
        }
        let served = try await ServedGateway(limits, coordinator)
        let client = try RawClient(served.server.address, buffer: 4096)
        await client.send("GET /api/v1/songs/waltz/codes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        // It is read only after the server has given up: then there is an end to what comes, far before the file's.
        // Nothing shows that from outside; on a busy machine a second without progress may be a pause.
        var (before, seconds) = (0, 0)
        while before == 0 || seconds < 15 {
            let now = sent.load(ordering: .relaxed)
            (before, seconds) = (now, now == before ? seconds + 1 : 0)
            try await Task.sleep(for: .seconds(1))
        }
        #expect(sent.load(ordering: .relaxed) < 1000)
        var count = 0
        while let bytes = await client.receive() { count += bytes.count }
        #expect(count < 100 << 20)
        await served.stop()
    }

    @Test func `what is no HTTP ends the connection, and others are served`() async throws {
        let served = try await ServedGateway()
        let client = try RawClient(served.server.address)
        await client.send("\u{16}\u{3}\u{1} this is no request\r\n\r\n")
        #expect(await client.isHungUpOn())
        let other = try RawClient(served.server.address)
        await other.send(Self.head + "\r\n")
        #expect(await other.receive(until: "ok").contains("200 OK"))
        await served.stop()
    }
}
