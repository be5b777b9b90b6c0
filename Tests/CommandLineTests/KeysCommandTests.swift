import Foundation
import TestSupport
import Testing

extension CommandLines {
    struct KeysCommandTests {
        @Test func `a new pair is secret, shown again, and never overwritten`() async throws {
            let file = try TestFolder.place("me.key")
            let made = try await Orchestrion.succeed(["keys", "new", file])
            let key = made.output.trimmingCharacters(in: .newlines)
            #expect(key.count == 40)
            for name in [file, file + ".pub"] {
                let shown = try await Orchestrion.succeed(["keys", "show", name])
                #expect(shown.output == "\(key)\n")
            }
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(!(try String(contentsOfFile: file + ".pub", encoding: .utf8)).contains("secret"))
            let again = try await Orchestrion.run(["keys", "new", file])
            #expect(again.ending == .exited(64) && again.errorOutput.contains("never overwritten"))
            #expect(try await Orchestrion.succeed(["keys", "show", file]).output == "\(key)\n")
        }

        @Test func `a key is allowed once by file or by itself, listed, and removed by its name`() async throws {
            let folder = try TestFolder.make("allow")
            let state = ["--state", "\(folder)/not/there/yet"]
            let key = try await Orchestrion.succeed(["keys", "new", "\(folder)/w1"]).output
                .trimmingCharacters(in: .newlines)
            let other = try await Orchestrion.succeed(["keys", "new", "\(folder)/w2"]).output
                .trimmingCharacters(in: .newlines)
            let shown = try await Orchestrion.succeed(["keys", "show", "\(folder)/w1"])
            #expect(shown.output == "\(key)\n" && shown.errorOutput.contains("\(folder)/w1.pub"))
            #expect(shown.errorOutput.contains("keys allow --state DIR '\(key)'"))
            let made = try await Orchestrion.succeed(["keys", "allow"] + state + ["\(folder)/w1.pub", "--name", "w1"])
            #expect(made.errorOutput.contains("made the coordinator's key"), "\(made.report)")
            try await Orchestrion.succeed(["keys", "allow"] + state + [other])
            let again = try await Orchestrion.succeed(["keys", "allow"] + state + [key])
            #expect(again.errorOutput.contains("\(key) w1 is allowed already"), "\(again.report)")
            #expect(try await Orchestrion.succeed(["keys", "list"] + state).output == "\(key) w1\n\(other)\n")
            try await Orchestrion.succeed(["keys", "remove"] + state + ["w1"])
            #expect(try await Orchestrion.succeed(["keys", "list"] + state).output == "\(other)\n")
            for (arguments, words) in [
                (["keys", "remove"] + state + [key], "is not in"),
                (["keys", "allow"] + state + ["nobody"], "no file nobody"),
                (["keys", "allow", key], "--state"),
            ] {
                let result = try await Orchestrion.run(arguments)
                #expect(!result.succeeded && result.errorOutput.contains(words), "\(result.report)")
            }
        }

        @Test func `what is no key is refused by name and line`() async throws {
            let file = try TestFolder.place("song.txt")
            try "la la la\n".write(toFile: file, atomically: true, encoding: .utf8)
            let result = try await Orchestrion.run(["keys", "show", file])
            #expect(result.ending == .exited(1))
            #expect(result.errorOutput.contains("song.txt") && result.errorOutput.contains("line 1"))
        }
    }
}
