import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct DemoTests {
        @Test func `the demo kills a worker, and the song is the same`() async throws {
            let (out, temporary) = (try TestFolder.place("song"), try TestFolder.make("tmp"))
            let result = try await Orchestrion.succeed(
                ["demo", "--seconds", "4", "--genre", "waltz", "--lyrics", "moon summer sky blue", "--out", out],
                environment: ["TMPDIR": temporary], limit: .seconds(300))
            // Nothing is taken back from a worker that ended its last window when it was killed.
            for words in ["waltz by mira_sol", "lost worker", "All tokens are equal", "orchestrion demo --page"] {
                #expect(result.output.contains(words), "\(result.report)")
            }
            // Whichever of the two has windows in hand, and one only.
            let killed = ["first", "second"].filter { result.output.contains("Worker \"\($0)\" was killed (kill -9)") }
            #expect(killed.count == 1 && result.output.contains("\"third\" took its place"), "\(result.report)")
            let picture = "\(out)/level_0/sample_0.png"
            #expect(result.output.contains(picture) && result.output.contains("\(out)/level_0/sample_1.wav"))
            #expect(try TestPicture(picture).width == 1_600)
            #expect(try SongResult(folder: out).digests.count == 3)
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
            let again = try await Orchestrion.run(["demo", "--out", out])
            #expect(again.ending == .exited(64) && again.errorOutput.contains("another --out"), "\(again.report)")
        }

        @Test func `a recording's lower levels are sampled`() async throws {
            let (out, recording) = (try TestFolder.place("song"), try TestFolder.place("take.flac"))
            try TestAudio.write(recording, format: .flac, seconds: 5)
            let result = try await Orchestrion.succeed(
                ["demo", recording, "--seconds", "3", "--out", out], limit: .seconds(300))
            #expect(result.output.contains(recording) && result.output.contains("All tokens are equal"))
            #expect(result.output.contains("no lyrics"), "\(result.report)")
            #expect(try SongResult.json(out)["mode"] as? String == "upsample")
        }

        @Test func `a recording that is not there is named`() async throws {
            let result = try await Orchestrion.run(["demo", "no-such.wav"])
            #expect(result.ending == .exited(64) && result.errorOutput.contains("no-such.wav"), "\(result.report)")
        }

        @Test(arguments: [SIGINT, SIGKILL])
        func `what the demo started ends with it`(signal: Int32) async throws {
            let temporary = try TestFolder.make("tmp")
            let process = try Orchestrion.start(
                ["demo", "--out", TestFolder.place("song")], environment: ["TMPDIR": temporary])
            try await wait(for: "the song to be submitted") {
                process.output.contains("who sings") || !process.isRunning
            }
            #expect(Self.processes(temporary) == 6, "the demo, the coordinator and two workers with their engines")
            #expect(process.signal(signal), "\(process.output)\(process.errorOutput)")
            let ending = try await process.waitForEnd()
            #expect(ending == (signal == SIGINT ? .exited(130) : .signalled(SIGKILL)), "\(process.errorOutput)")
            if signal == SIGINT {
                #expect(process.errorOutput.contains("Interrupted"))
                #expect(Self.processes(temporary) == 0)
                #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
            }
            try await wait(for: "the children to end") { Self.processes(temporary) == 0 }
        }

        /// Processes that have this folder for temporary files.
        private static func processes(_ temporary: String) -> Int {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.filter { Int($0) != nil }.count { name in
                guard let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ") else {
                    return false
                }
                return environment.split(separator: 0).contains { $0.elementsEqual("TMPDIR=\(temporary)".utf8) }
            }
        }
    }
}
