import ClusterProtocol
import Foundation
import TestSupport
import Testing
import ZeroMQTransport

extension ClusterProcesses {
    /// A thousand strangers of every kind, at a coordinator with keys.
    @Suite(.serialized) struct StrangerCrowdTests {
        /// What a stranger without a key says, as bytes on a TCP connection.
        private enum Kind: CaseIterable {
            case http, open, plain, cutShort, noise

            func bytes(_ number: Int) -> [UInt8] {
                switch self {
                case .http:
                    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
                    let method = methods[number % methods.count]
                    return Array(
                        "\(method) /songs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}".utf8)
                case .open: return Self.greeting("NULL") + Self.ready + Self.hello
                case .plain: return Self.greeting("PLAIN") + Self.command("HELLO", [1, 97, 1, 98]) + Self.hello
                case .cutShort: return Self.greeting("CURVE") + Self.command("HELLO", Array(repeating: 7, count: 40))
                case .noise: return (0..<300).map { UInt8(truncatingIfNeeded: ($0 &* 131) ^ (number &* 17)) }
                }
            }

            /// ZMTP 3.0.
            private static func greeting(_ mechanism: String) -> [UInt8] {
                let name = Array(mechanism.utf8)
                return [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0] + name
                    + [UInt8](repeating: 0, count: 20 - name.count + 32)
            }

            private static func command(_ name: String, _ content: [UInt8]) -> [UInt8] {
                let body = [UInt8(name.utf8.count)] + Array(name.utf8) + content
                return [4, UInt8(body.count)] + body
            }

            private static let ready = command(
                "READY", [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8))

            /// A worker that nobody knows, as one frame.
            private static let hello: [UInt8] = {
                var hello = WireWorkerHello()
                (hello.version, hello.worker, hello.name, hello.slots) = (
                    ProtocolVersion.current, "stranger", "stranger", 4
                )
                let payload = (try? WireToCoordinator(kind: .hello(hello)).payload()) ?? []
                return [0, UInt8(payload.count)] + payload
            }()
        }

        /// One of them.
        private final class Stranger {
            private let descriptor: Int32
            private(set) var heard: [UInt8] = []

            init?(_ kind: Kind, _ number: Int, port: UInt16) {
                descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                address.sin_addr.s_addr = inet_addr("127.0.0.1")
                let result = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
                guard result == 0 else { return nil }
                let bytes = kind.bytes(number)
                _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }

            deinit { close(descriptor) }

            /// Takes what came since.
            func listen() {
                var buffer = [UInt8](repeating: 0, count: 512)
                while true {
                    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                    guard count > 0 else { return }
                    heard += buffer[..<count]
                }
            }

            /// Whether the coordinator has spoken to it as to somebody whom it let in, or as a web server does.
            var wasAnswered: Bool {
                let text = String(decoding: heard, as: UTF8.self)
                return text.contains("READY") || text.contains("HTTP/") || text.contains("WELCOME")
            }
        }

        private static func allowFiles(_ count: Int) {
            var limit = rlimit()
            let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            getrlimit(files, &limit)
            limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(count)))
            setrlimit(files, &limit)
        }

        @Test func `of a thousand strangers of every kind none is let in, and a song goes on beside them`() async throws
        {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 2, seed: 84)
            let keys = try TestFolder.make("crowd")
            for name in ["server", "friend"] { try await Orchestrion.succeed(["keys", "new", "\(keys)/\(name)"]) }
            try await Orchestrion.succeed(["keys", "allow", "--allow", "\(keys)/allowed", "\(keys)/friend.pub"])
            let options = Cluster.Options(
                models: [song.model],
                coordinator: ["--secure", "--key", "\(keys)/server", "--allow", "\(keys)/allowed"],
                keys: (own: "\(keys)/friend", server: "\(keys)/server.pub"))
            Self.allowFiles(3000)
            try await withCluster(options) { cluster in
                try cluster.startWorker("w")
                try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(1, of: "s")
                let port = try #require(UInt16(cluster.endpoint.split(separator: ":").last ?? ""))
                let crowd = (0..<950).compactMap { Stranger(Kind.allCases[$0 % 5], $0, port: port) }
                let server = try KeyFile.readPublicKey("\(keys)/server.pub")
                let context = try ZeroMQContext()
                let wrong = try (0..<50).map { _ in
                    try ZeroMQClient(
                        connect: cluster.endpoint, security: .curve(.generate(), server: server), context: context)
                }
                try #require(crowd.count + wrong.count == 1000)
                for _ in 0..<20 {
                    for stranger in crowd { stranger.listen() }
                    for client in wrong {
                        let messages = try client.receive(timeout: .zero, limit: 1)
                        #expect(messages.isEmpty)
                        let goodbye = try WireToCoordinator(kind: .goodbye(WireGoodbye())).payload()
                        let isSent = try client.send(goodbye, to: .coordinator)
                        #expect(!isSent)
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
                try #require(try await cluster.result(of: "s") == song.undisturbed())
                for stranger in crowd { stranger.listen() }
                let answered = crowd.count { $0.wasAnswered }
                #expect(answered == 0)
                #expect(crowd.contains { !$0.heard.isEmpty }, "the coordinator's own greeting")
                let status = try await cluster.status()
                #expect(status.workers.map(\.name) == ["w"])
                #expect(cluster.lostWorkers.isEmpty && cluster.tasksTakenBack.isEmpty, "\(cluster.log.suffix(2000))")
                let areRunning = try cluster.coordinator().isRunning && cluster.worker("w").isRunning
                #expect(areRunning)
                for client in wrong { client.close() }
            }
        }
    }
}
