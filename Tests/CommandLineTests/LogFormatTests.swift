import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What a coordinator and a worker log for programs.
    @Suite(.serialized) struct LogFormatTests {
        /// The objects of a log, of which every line must be one.
        private func objects(_ log: String) throws -> [[String: String]] {
            try #require(log.hasSuffix("\n"))
            return try log.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                return try #require(object, "\(line)")
            }
        }

        @Test func `every line is an object, with song, worker and task where it is about one`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 0.3, seed: 71)
            let json = ["--log-format", "json"]
            try await withCluster(Cluster.Options(models: [song.model], coordinator: json)) { cluster in
                let worker = try cluster.startWorker("first", options: json)
                let id = try await cluster.submit(song, id: "logged")
                try await cluster.waitUntilSampled(1, of: id)
                // Its windows are taken back.
                worker.kill()
                let second = try cluster.startWorker("second", options: json)
                _ = try await cluster.result(of: id)
                let coordinator = try cluster.coordinator()
                try #require(second.signal(SIGTERM) && coordinator.signal(SIGTERM))
                #expect(try await second.waitForEnd() == .exited(0))
                #expect(try await coordinator.waitForEnd() == .exited(0))
                let lines = try objects(cluster.log)
                #expect(lines.allSatisfy { $0["time"] != nil && $0["logger"] == "coordinator" })
                #expect(Set(lines.compactMap { $0["level"] }) == ["info", "warning"])
                func line(_ words: String) throws -> [String: String] {
                    try #require(lines.first { $0["message"]?.contains(words) ?? false }, "\(words)")
                }
                #expect(try line("song logged is finished")["song"] == "logged")
                #expect(try line("worker second joined")["worker"] == "second")
                let taken = try line("was taken back")
                #expect(taken["song"] == "logged" && taken["worker"] == "first" && taken["level"] == "warning")
                #expect(taken["message"]?.hasPrefix(taken["task"] ?? "none") == true && taken["task"] != nil)
                let own = try objects(second.errorOutput)
                #expect(Set(own.compactMap { $0["logger"] }) == ["worker"])
                #expect(own.contains { $0["message"]?.hasPrefix("is welcome at") ?? false })
            }
        }

        @Test func `why it ends is an object, too, and with the level that is asked for there is nothing else`()
            async throws
        {
            let file = try TestFolder.place("no-folder")
            try "a file".write(toFile: file, atomically: true, encoding: .utf8)
            let options = ["--listen", "tcp://127.0.0.1:0", "--log-format", "json", "--log-level", "error"]
            let failed = try await Orchestrion.run(["coordinator", "--state", file] + options)
            #expect(failed.ending == .exited(1), "\(failed.report)")
            let lines = try objects(failed.errorOutput)
            #expect(lines.map { $0["level"] } == ["error"] && lines[0]["message"]?.contains(file) == true)
            let wrong = try await Orchestrion.run(["worker", "--log-format", "xml"])
            #expect(wrong.ending == .exited(64) && wrong.errorOutput.contains("text"), "\(wrong.report)")
        }
    }
}
