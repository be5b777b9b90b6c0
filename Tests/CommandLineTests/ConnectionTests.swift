import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Where a coordinator is looked for.
    @Suite(.serialized) struct ConnectionTests {
        @Test func `a host that does not exist is named at once, to clients and to workers`() async throws {
            for command in ["status", "watch", "worker"] {
                let result = try await Orchestrion.run([
                    command, "--connect", "tcp://no-such-host.invalid:5550", "--insecure",
                ])
                #expect(result.ending == .exited(1), "\(result.report)")
                #expect(result.errorOutput.contains("there is no host no-such-host.invalid"), "\(result.report)")
                #expect(!result.errorOutput.contains("loads"), "\(result.report)")
            }
        }

        @Test func `what is no endpoint is refused with what to write`() async throws {
            for (place, words) in [
                ("studio", "tcp://studio:5550"), ("http://studio:5550", "http:// is not spoken"),
                ("tcp://studio", "port is missing"),
                ("tcp://::1:5550", "brackets"), ("tcp://*:5550", "one host"), ("tcp://localhost:0", "one host"),
                ("tcp://localhost:99999", "99999"),
            ] {
                let result = try await Orchestrion.run(["status", "--connect", place])
                #expect(result.ending == .exited(64) && result.errorOutput.contains(words), "\(result.report)")
                #expect(
                    result.errorOutput.contains("--connect") && result.errorOutput.contains("tcp://"),
                    "\(result.report)")
            }
        }

        @Test(arguments: ["tcp://127.0.0.1:9", "localhost:9", "tcp://[::1]:9"])
        func `where nobody listens a client says so soon`(place: String) async throws {
            let start = ContinuousClock.now
            let result = try await Orchestrion.run(["status", "--connect", place])
            #expect(result.ending == .exited(1), "\(result.report)")
            #expect(
                result.errorOutput.contains("nobody listens at") && result.errorOutput.contains(":9"),
                "\(result.report)")
            #expect(start.duration(to: .now) < .seconds(12), "the former patience was 15 s")
        }

        @Test(arguments: [
            ("tcp://[::1]:0", "tcp://[::1]:"), ("tcp://*:0", "127.0.0.1:"), ("tcp://[::]:0", "tcp://[::1]:"),
        ])
        func `a coordinator listens on IPv6 addresses and on all, and is reached there`(
            listen: String, connect: String
        ) async throws {
            let folder = try TestFolder.make("listen")
            let file = "\(folder)/endpoint"
            let open = listen.contains("[::1]") ? [] : ["--insecure"]
            let coordinator = try Orchestrion.start(
                ["coordinator", "--listen", listen, "--state", "\(folder)/state", "--endpoint-file", file] + open)
            try await wait(for: "the coordinator") {
                FileManager.default.fileExists(atPath: file) || !coordinator.isRunning
            }
            let endpoint = try String(contentsOfFile: file, encoding: .utf8)
            let port = try #require(endpoint.split(separator: ":").last)
            let status = try await Orchestrion.run(["status", "--connect", "\(connect)\(port)"])
            #expect(
                status.succeeded && status.output.contains("No songs."), "\(status.report)\(coordinator.errorOutput)")
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.waitForEnd() == .exited(0))
        }

        @Test func `ids that cannot be are refused without asking anybody`() async throws {
            for command in ["status", "watch", "fetch", "cancel", "upsample", "timeline", "submit"] {
                for id in ["", "a b", "../up", "ä", String(repeating: "x", count: 70_000), "a\u{7}b"] {
                    let result = try await Orchestrion.run([command] + (command == "submit" ? ["--id", id] : [id]))
                    #expect(result.ending == .exited(1), "\(result.report.prefix(300))")
                    #expect(
                        result.errorOutput.contains("letters, digits and dashes"), "\(result.errorOutput.suffix(300))")
                    #expect(!result.errorOutput.contains("\u{7}") && result.errorOutput.utf8.count < 400)
                }
            }
        }

        @Test func `a worker of another profile is told which to give`() async throws {
            let model = try await TestModel.tiny()
            try await withCluster(Cluster.Options(models: [model], coordinator: ["--profile", "int8"])) { cluster in
                let worker = try cluster.startWorker("a")
                #expect(try await worker.waitForEnd() == .exited(1))
                let line = try #require(worker.errorOutput.split(separator: "\n").last)
                #expect(
                    line.contains("as f16, and the coordinator as int8") && line.contains("--profile int8"), "\(line)")
            }
        }

        @Test func `a file of a public key may be appended to the list of allowed keys`() async throws {
            let folder = try TestFolder.make("appended")
            try await Orchestrion.succeed(["keys", "new", "\(folder)/me.key"])
            try await Orchestrion.succeed(["keys", "new", "\(folder)/server"])
            let list = "nonsense\n" + (try String(contentsOfFile: "\(folder)/me.key.pub", encoding: .utf8))
            try list.write(toFile: "\(folder)/allowed", atomically: true, encoding: .utf8)
            let options = Cluster.Options(
                models: [], coordinator: ["--secure", "--key", "\(folder)/server", "--allow", "\(folder)/allowed"],
                keys: (own: "\(folder)/me.key", server: "\(folder)/server.pub"))
            try await withCluster(options) { cluster in
                #expect(cluster.log.contains("allowed, line 1:") && cluster.log.contains("1 allowed peer"))
                let status = try await cluster.command("status", [])
                #expect(status.succeeded, "\(status.report)")
            }
        }
    }
}
