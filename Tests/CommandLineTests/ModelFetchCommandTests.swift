import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.enabled(if: FileServer.hasCurl, "there is no curl here"))
    struct ModelFetchCommandTests {
        private struct Report: Decodable {
            struct File: Decodable {
                var name: String
                var bytes: Int
                var wasThere: Bool
            }
            var model: String
            var folder: String
            var files: [File]
            var checked: Bool
        }

        /// A model of the tiny preset with a licence, on a server.
        private func served() async throws -> FileServer {
            let folder = try TestModel.copy(try await TestModel.tiny(), as: "tiny")
            try "Only for \u{1B}[31mthis test.\n".write(toFile: "\(folder)/LICENSE", atomically: true, encoding: .utf8)
            return try FileServer.serving(folder)
        }

        @Test func `nothing comes before the licence is accepted`() async throws {
            let (server, folder) = (try await served(), try TestFolder.place("model"))
            let asked = try await Orchestrion.run(["model", "fetch", server.address, folder])
            #expect(asked.ending == .exited(1), "\(asked.report)")
            #expect(
                asked.errorOutput.contains("Only for [31mthis test.") && asked.errorOutput.contains("--accept-licence"))
            #expect(!FileManager.default.fileExists(atPath: folder))
            let report = try await Orchestrion.succeed(
                ["model", "fetch", server.address, folder, "--accept-licence", "--json"])
            let told = try report.decode(Report.self)
            #expect(told.checked && told.files.count == 4 && told.files.allSatisfy { !$0.wasThere && $0.bytes > 0 })
            #expect(report.errorOutput.contains("Only for [31mthis test."))
            // What is there is checked, and nobody is asked.
            let again = try await Orchestrion.succeed(["model", "fetch", server.address, folder])
            #expect(again.output.contains("was there") && again.output.contains("is complete"), "\(again.report)")
            try await Orchestrion.succeed(["model", "inspect", folder, "--check", "--no-fingerprint"])
        }

        @Test func `a fetch that is killed goes on`() async throws {
            let model = try await TestModel.tiny()
            let name = "/prior_level_1.safetensors"
            let content = Array(try Data(contentsOf: URL(fileURLWithPath: model + name)))
            let server = try FileServer { request, count in
                guard let bytes = FileManager.default.contents(atPath: model + request.path) else {
                    return FileServer.Reply(404)
                }
                let reply = FileServer.Reply.file(Array(bytes), tag: request.path, to: request)
                return request.path == name && count == 0 ? reply.stalled(after: content.count / 2) : reply
            }
            let folder = try TestFolder.place("model")
            let command = ["model", "fetch", server.address, folder, "--accept-licence"]
            let first = try Orchestrion.start(command)
            let part = folder + name + ".part"
            try await wait(for: "half of the file") {
                (FileManager.default.contents(atPath: part)?.count ?? 0) > content.count / 3
            }
            first.kill()
            try await Orchestrion.succeed(command)
            #expect(Array(try Data(contentsOf: URL(fileURLWithPath: folder + name))) == content)
            #expect(server.requests.last { $0.path == name }?.start ?? 0 > content.count / 3)
            #expect(!FileManager.default.fileExists(atPath: part))
        }

        @Test func `what cannot be had is told`() async throws {
            let server = try FileServer { _, _ in FileServer.Reply(404) }
            let none = try await Orchestrion.run(["model", "fetch", server.address, TestFolder.place("x")])
            #expect(none.ending == .exited(1) && none.errorOutput.contains("no hparams.json"), "\(none.report)")
            let unknown = try await Orchestrion.run(["model", "fetch", "6b", TestFolder.place("x")])
            #expect(unknown.ending == .exited(1) && unknown.errorOutput.contains("5b_lyrics"), "\(unknown.report)")
            let wrong = try await Orchestrion.run(["model", "fetch", "5b", TestFolder.place("x"), "--stall", "0"])
            #expect(wrong.ending == .exited(64), "\(wrong.report)")
        }

        @Test func `without curl it is told what to install`() async throws {
            let result = try await Orchestrion.run(
                ["model", "fetch", "5b", TestFolder.place("x")], environment: ["PATH": "/nowhere"])
            #expect(
                result.ending == .exited(1) && result.errorOutput.contains("apt-get install curl"), "\(result.report)")
        }
    }
}
