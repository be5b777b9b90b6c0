import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct GatewayTests {
        private static let path = "/api/v1/songs"

        /// The address that a process writes.
        private static func address(in file: String) async throws -> String {
            try await wait(for: "the HTTP API to listen") { FileManager.default.fileExists(atPath: file) }
            return try String(contentsOfFile: file, encoding: .utf8)
        }

        private static func object(_ body: [UInt8]) throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] ?? [:]
        }

        /// - Returns: the song's id.
        private static func submit(_ song: TestSong, at address: String) async throws -> String {
            let fields: [String: Any] = [
                "model": URL(fileURLWithPath: song.model).lastPathComponent, "seconds": song.seconds,
                "samples": [[:], [:]] as [[String: String]],
            ]
            let body = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
            let answer = try await RawClient.ask(
                "POST", path, at: address, fields: ["Content-Type: application/json", "Idempotency-Key: one"],
                body: body)
            try #require(answer.status == 202, "\(String(decoding: answer.body, as: UTF8.self))")
            return try #require(try object(answer.body)["song"] as? String)
        }

        @Test func `one key is one song, whichever process was killed between, and its sound is the finished file`()
            async throws
        {
            let song = try await victimSong()
            let folder = try TestFolder.make("gateway")
            let (inside, outside) = ("\(folder)/inside", "\(folder)/outside")
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--http", "127.0.0.1:0", "--http-endpoint-file", inside])
            try await withCluster(options) { cluster in
                let id = try await Self.submit(song, at: Self.address(in: inside))
                try cluster.killCoordinator()
                try FileManager.default.removeItem(atPath: inside)
                try await cluster.startCoordinator()
                #expect(try await Self.submit(song, at: Self.address(in: inside)) == id)

                func startGateway() throws -> ChildProcess {
                    try Orchestrion.start(
                        ["gateway", "--http", "127.0.0.1:0", "--http-endpoint-file", outside] + cluster.connection)
                }
                let first = try startGateway()
                #expect(try await Self.submit(song, at: Self.address(in: outside)) == id)
                #expect(first.kill() == .signalled(9))
                try FileManager.default.removeItem(atPath: outside)
                let gateway = try startGateway()
                let address = try await Self.address(in: outside)
                #expect(try await Self.submit(song, at: address) == id)
                let list = try Self.object(try await RawClient.ask("GET", Self.path, at: address).body)
                #expect((list["songs"] as? [[String: Any]])?.count == 1)

                // Heard from the first moment on.
                try cluster.startWorker("a")
                let audio = "\(Self.path)/\(id)/audio?level=0&sample=1"
                try await wait(for: "something to be heard") {
                    try await RawClient.ask("GET", audio, at: address, fields: ["Range: bytes=0-0"]).status == 206
                }
                let heard = try await RawClient.ask("GET", audio, at: address)
                #expect(heard.status == 200)
                _ = try await cluster.result(of: id)
                let file = "\(cluster.stateFolder)/songs/\(id)/level_0/sample_1.wav"
                #expect(Data(heard.body) == (try Data(contentsOf: URL(fileURLWithPath: file))))
                #expect(gateway.signal(SIGTERM))
                #expect(try await gateway.waitForEnd() == .exited(0))
            }
        }

        @Test func `on another address a token is needed, and one that is made while it runs counts`() async throws {
            let song = try await victimSong()
            let file = try TestFolder.place("http")
            let state = try TestFolder.make("tokens")
            let tokens = "\(state)/tokens"
            let refused = try await Orchestrion.run([
                "coordinator", "--state", state, "--http", "0.0.0.0:0", "--listen", "tcp://127.0.0.1:0",
            ])
            #expect(refused.ending == .exited(64))
            #expect(refused.errorOutput.contains("orchestrion tokens new"))
            func make(_ name: String, _ role: String) async throws -> String {
                let made = try await Orchestrion.succeed(["tokens", "new", "--file", tokens, "--role", role, name])
                return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let viewer = try await make("vera", "viewer")
            let options = Cluster.Options(
                models: [song.model],
                coordinator: ["--http", "127.0.0.1:0", "--http-endpoint-file", file, "--tokens", tokens])
            try await withCluster(options) { cluster in
                let address = try await Self.address(in: file)
                func status(_ method: String, _ path: String, _ token: String?) async throws -> Int {
                    let fields = token.map { ["Authorization: Bearer \($0)"] } ?? []
                    return try await RawClient.ask(method, path, at: address, fields: fields).status
                }
                #expect(try await status("GET", Self.path, nil) == 401)
                #expect(try await status("GET", Self.path, viewer) == 200)
                #expect(try await status("POST", "\(Self.path)/none/cancel", viewer) == 403)
                let editor = try await make("eva", "editor")
                try await wait(for: "the new token to count") {
                    try await status("POST", "\(Self.path)/none/cancel", editor) == 404
                }
                try await Orchestrion.succeed(["tokens", "remove", "--file", tokens, "vera"])
                try await wait(for: "the old one to count no more") {
                    try await status("GET", Self.path, viewer) == 401
                }
            }
        }
    }
}
