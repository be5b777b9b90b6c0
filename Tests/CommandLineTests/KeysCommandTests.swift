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

        @Test func `what is no key is refused by name and line`() async throws {
            let file = try TestFolder.place("song.txt")
            try "la la la\n".write(toFile: file, atomically: true, encoding: .utf8)
            let result = try await Orchestrion.run(["keys", "show", file])
            #expect(result.ending == .exited(1))
            #expect(result.errorOutput.contains("song.txt") && result.errorOutput.contains("line 1"))
        }
    }
}
