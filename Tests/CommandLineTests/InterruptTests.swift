import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct InterruptTests {
        @Test(arguments: [SIGINT, SIGKILL])
        func `an interrupted run goes on, and makes the song that it would have made`(signal: Int32) async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 4, seed: 53)
            let out = try TestFolder.place("song")
            let arguments = ["sample", "--out", out, "--verbose"] + song.options
            let process = try Orchestrion.start(arguments)
            try await wait(for: "the song to begin", interval: .milliseconds(2)) {
                process.errorOutput.contains("is welcome") || !process.isRunning
            }
            let empty = journalSize(out)
            try await wait(for: "some chunks to be journaled", interval: .milliseconds(2)) {
                journalSize(out) > empty + 100_000 || !process.isRunning
            }
            #expect(process.signal(signal), "it was too quick: \(process.errorOutput)")
            let ending = try await process.waitForEnd()
            #expect(ending == (signal == SIGINT ? .exited(130) : .signalled(SIGKILL)))
            if signal == SIGINT {
                #expect(process.errorOutput.contains("Interrupted") && process.errorOutput.contains(out))
            }
            #expect(!FileManager.default.fileExists(atPath: "\(out)/song.json"))
            // Other options would make another song of what is there.
            let other = try await Orchestrion.run(["sample", "--out", out] + song.options + ["--temperature", "0.5"])
            #expect(
                other.ending == .exited(64) && other.errorOutput.contains("choose another --out"), "\(other.report)")
            let second = try await Orchestrion.succeed(arguments)
            #expect(second.errorOutput.contains("goes on with 1 unfinished song from the journal"), "\(second.report)")
            #expect(try await SongResult(folder: out) == song.undisturbed())
        }

        /// Bytes of the journal's log, which grows with every commit.
        private func journalSize(_ out: String) -> Int {
            let folder = "\(out)/.orchestrion"
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.filter { $0.hasSuffix("-wal") }.map { file in
                (try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)")[.size] as? Int) ?? 0
            }.max() ?? 0
        }

        @Test func `a seed that was drawn is kept for the run that goes on`() async throws {
            let model = try await TestModel.tiny()
            let out = try TestFolder.place("song")
            let arguments = ["sample", "--out", out, "--model", model, "--seconds", "1"]
            let process = try Orchestrion.start(arguments)
            let file = "\(out)/.orchestrion/seed"
            try await wait(for: "the seed") { FileManager.default.fileExists(atPath: file) || !process.isRunning }
            let seed = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
            #expect(process.kill() == .signalled(SIGKILL))
            try await Orchestrion.succeed(arguments)
            #expect(try SongResult.json(out)["seed"] as? UInt64 == UInt64(seed))
        }
    }
}
