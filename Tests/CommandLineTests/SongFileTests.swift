import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Song files as people write them.
    struct SongFileTests {
        private func write(_ data: Data) throws -> String {
            let path = try TestFolder.place("song.json")
            try data.write(to: URL(fileURLWithPath: path))
            return path
        }

        private func write(_ json: String) throws -> String { try write(Data(json.utf8)) }

        private func digests(_ options: [String]) async throws -> [String: String] {
            struct Song: Decodable { var digests: [String: String] }
            let out = try TestFolder.place("song")
            try await Orchestrion.succeed(["sample", "--out", out] + options)
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(out)/song.json"))
            return try JSONDecoder().decode(Song.self, from: data).digests
        }

        @Test func `a song without a model is of the one that ships, and a model that is given is taken`() async throws
        {
            let file = try write(#"{"seconds": 1, "stop_at": 2, "seed": 7}"#)
            let plain = try await digests(["--seconds", "1", "--stop-at", "2", "--seed", "7"])
            #expect(try await digests(["--song", file]) == plain)
            let tiny = try await TestModel.tiny()
            let other = try await digests(["--song", file, "--model", tiny])
            #expect(other != plain)
            #expect(try await digests(["--model", tiny, "--seconds", "1", "--stop-at", "2", "--seed", "7"]) == other)
        }

        @Test func `a song file in UTF-16 is read`() async throws {
            let json = #"{"seconds": 1, "stop_at": 2, "seed": 7}"#
            let first = try await digests(["--song", write(json)])
            #expect(try await digests(["--song", write(json.data(using: .utf16)!)]) == first)
            #expect(try await digests(["--song", write("\u{FEFF}\(json)")]) == first)
        }

        @Test func `a song file that cannot be read says why`() async throws {
            let folder = try TestFolder.make("folder")
            for (file, words) in [
                ("/nowhere/song.json", "there is no file"), (folder, "is a folder"), ("/dev/zero", "larger"),
            ] {
                let result = try await Orchestrion.run(["sample", "--song", file])
                #expect(result.ending == .exited(64) && result.errorOutput.contains(words), "\(result.report)")
            }
            for (json, words) in [
                (#"{"seconds": "abc"}"#, #"the field seconds must be a number; it is the text "abc""#),
                (#"{"seconds": [1, 2]}"#, "the field seconds must be a number; it is a list"),
                ("{\"seconds\": 4,\n}", "line 2, column 1"), ("<html>", "web page"),
            ] {
                let file = try write(json)
                for command in [["sample", "--song", file], ["plan", file]] {
                    let result = try await Orchestrion.run(command)
                    #expect(result.ending == .exited(1) && result.errorOutput.contains(words), "\(result.report)")
                }
            }
        }
    }
}
