import Foundation
import TestSupport
import Testing

extension CommandLines {
    @Suite(.serialized) struct PictureTests {
        private struct Report: Decodable {
            struct Span: Decodable {
                var text: String
                var begin: Double
                var end: Double
            }
            var picture: String
            var level: Int
            var seconds: Double
            var lines: [Span]
            var characters: [Span]
            var forwardShare: Double?
            var note: String?
        }

        private static let lyrics = "moon summer sky blue\nriver of golden light"

        /// A song of the model that ships, its top level only; made once.
        private static let song = Task {
            let folder = try TestFolder.place("song")
            try await Orchestrion.succeed([
                "sample", "--seconds", "4", "--seed", "3", "--genre", "waltz", "--artist", "mira_sol", "--lyrics",
                lyrics,
                "--stop-at", "2", "--samples", "2", "--out", folder,
            ])
            return folder
        }

        private func song() async throws -> String { try await TestModel.copy(Self.song.value, as: "song") }

        @Test func `a song's picture has its alignment, and the times of its lines`() async throws {
            let song = try await song()
            let out = try TestFolder.place("picture.png")
            let result = try await Orchestrion.succeed(["picture", song, "--sample", "1", "--out", out, "--json"])
            let report = try result.decode(Report.self)
            #expect(report.picture == out && report.level == 2 && report.note == nil)
            #expect(abs(report.seconds - 4) < 0.1)
            #expect(report.lines.map(\.text) == Self.lyrics.split(separator: "\n").map(String.init))
            #expect(report.characters.map(\.text).joined() == Self.lyrics)
            for (before, after) in zip(report.characters, report.characters.dropFirst()) {
                #expect(before.begin <= before.end && before.end <= after.begin)
            }
            #expect((0...1).contains(try #require(report.forwardShare)))
            let picture = try TestPicture(out)
            #expect(picture.width == 1_600 && picture.height > 700 && picture.colours > 200)
        }

        @Test func `it lies beside the audio unless told otherwise`() async throws {
            let song = try await song()
            let result = try await Orchestrion.succeed(["picture", song])
            #expect(result.output.contains("\(song)/level_2/sample_0.png"))
            #expect(result.output.contains("river of golden light"))
            #expect(try TestPicture("\(song)/level_2/sample_0.png").width == 1_600)
        }

        @Test func `without lyrics there is the spectrogram, and a line that says so`() async throws {
            let song = try await song()
            try edit(song) {
                $0.replacingOccurrences(
                    of: #""lyrics" : "[^"]*""#, with: #""lyrics" : """#, options: .regularExpression)
            }
            let result = try await Orchestrion.succeed(["picture", song])
            #expect(result.output.contains("no lyrics"), "\(result.report)")
            #expect(try TestPicture("\(song)/level_2/sample_0.png").height < 600)
        }

        @Test func `what cannot be drawn is refused with the reason`() async throws {
            let song = try await song()
            let empty = try TestFolder.make("empty")
            try await refuse([empty], ["not a song's folder", "song.json"])
            try await refuse([song, "--sample", "2"], ["--sample 2", "0 to 1"])
            try await refuse([song, "--level", "0"], ["no audio of level 0", "level 2"])
            let foreign = try await self.song()
            try edit(foreign) {
                $0.replacingOccurrences(of: #""model" : "music-box""#, with: #""model" : "elsewhere""#)
            }
            try await refuse([foreign], ["elsewhere", "--model"])
            try await refuse([foreign, "--model", TestModel.tiny()], ["fingerprint"])
            try FileManager.default.removeItem(atPath: "\(song)/level_2/sample_1.wav")
            try await refuse([song, "--sample", "1"], ["no audio of sample 1"])
        }

        private func refuse(_ arguments: [String], _ words: [String]) async throws {
            let result = try await Orchestrion.run(["picture"] + arguments)
            #expect(result.ending == .exited(1) && result.output.isEmpty, "\(result.report)")
            for word in words { #expect(result.errorOutput.contains(word), "\(result.report)") }
        }

        private func edit(_ song: String, _ change: (String) -> String) throws {
            let file = "\(song)/song.json"
            let before = try String(contentsOfFile: file, encoding: .utf8)
            let after = change(before)
            guard after != before else { throw TestSupportError("nothing to change in \(before)") }
            try after.write(toFile: file, atomically: true, encoding: .utf8)
        }
    }
}
