import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// What the program tells systemd, at a socket of the test's own.
    @Suite(.serialized) struct NoticeTests {
        /// Datagrams that came, all together.
        private final class Socket {
            let path: String
            private let descriptor: Int32
            private(set) var text = ""

            init() throws {
                // A socket's name has room for 108 bytes.
                path = "/tmp/orchestrion-\(UUID().uuidString.prefix(13)).socket"
                descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
                let code = withUnsafePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
                try #require(code == 0)
            }

            deinit {
                close(descriptor)
                unlink(path)
            }

            func look() -> String {
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                    guard count >= 0 else { return text }
                    text += String(decoding: buffer[..<count], as: UTF8.self) + "\n"
                }
            }

            /// Signs of life so far.
            var signs: Int { look().count(of: "WATCHDOG=1") }

            func waitFor(_ words: String) async throws {
                try await wait(for: words) { look().contains(words) }
            }
        }

        private func environment(_ socket: Socket) -> [String: String] {
            ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "400000"]
        }

        private func start(_ socket: Socket, _ arguments: [String]) throws -> ChildProcess {
            let folder = try TestFolder.make("notice")
            return try ChildProcess(
                name: arguments[0], executable: Orchestrion.path, arguments: arguments,
                environment: environment(socket), folder: folder, logs: folder)
        }

        private func liveAndEnd(_ process: ChildProcess, _ socket: Socket) async throws {
            try await socket.waitFor("READY=1")
            let before = socket.signs
            try await wait(for: "signs of life") { socket.signs >= before + 3 || !process.isRunning }
            try #require(process.signal(SIGHUP))
            try await socket.waitFor("RELOADING=1\nMONOTONIC_USEC=")
            try await wait(for: "the end of reading") {
                socket.look().components(separatedBy: "RELOADING=1").last?.contains("READY=1") == true
            }
            try #require(process.signal(SIGTERM))
            #expect(try await process.waitForEnd(limit: .seconds(300)) == .exited(0), "\(process.errorOutput)")
            try await socket.waitFor("STOPPING=1")
        }

        @Test func `a coordinator is ready, alive, reads its settings again, and stops`() async throws {
            let socket = try Socket()
            let process = try start(socket, ["coordinator", "--listen", "tcp://127.0.0.1:0", "--state", "state"])
            try await liveAndEnd(process, socket)
        }

        @Test func `a gateway is, too`() async throws {
            let socket = try Socket()
            let process = try start(
                socket, ["gateway", "--http", "127.0.0.1:0", "--connect", "tcp://127.0.0.1:9", "--insecure"])
            try await liveAndEnd(process, socket)
        }

        @Test func `a worker is, and is alive no more when the loop of its engine hangs`() async throws {
            let model = try await TestModel.tiny()
            try await withCluster(Cluster.Options(models: [model])) { cluster in
                let socket = try Socket()
                let worker = try cluster.startWorker("told", environment: environment(socket))
                try await socket.waitFor("READY=1")
                try await wait(for: "signs of life") { socket.signs >= 3 || !worker.isRunning }
                // The engine is the supervisor's child; alone it stands still, and the supervisor goes on.
                let engine = try #require(Self.child(of: worker.id))
                try #require(kill(engine, SIGSTOP) == 0)
                var last = socket.signs
                try await wait(for: "the signs to end", limit: .seconds(120), interval: .milliseconds(1000)) {
                    defer { last = socket.signs }
                    return socket.signs == last
                }
                #expect(worker.isRunning)
                try #require(kill(engine, SIGCONT) == 0)
                let before = socket.signs
                try await wait(for: "signs of life again") { socket.signs > before || !worker.isRunning }
                try #require(worker.signal(SIGTERM))
                #expect(try await worker.waitForEnd(limit: .seconds(300)) == .exited(0), "\(worker.errorOutput)")
                try await socket.waitFor("STOPPING=1")
            }
        }

        private static func child(of parent: Int32) -> Int32? {
            let text = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
            return text?.split(separator: " ").first.flatMap { Int32($0) }
        }
    }
}
