import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Lyrics as people bring them, and what becomes of them.
    struct LyricTests {
        private struct Song: Decodable {
            struct Sample: Decodable { var artist: String?, lyrics: String? }
            var samples: [Sample]
            var warnings: [String]?
            var digests: [String: String]
        }

        private let short = ["--genre", "bossa", "--stop-at", "2", "--seed", "7", "--seconds", "1"]

        private func sample(_ options: [String]) async throws -> (song: Song, errors: String) {
            let out = try TestFolder.place("song")
            let result = try await Orchestrion.succeed(["sample", "--out", out] + short + options)
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(out)/song.json"))
            return (try JSONDecoder().decode(Song.self, from: data), result.errorOutput)
        }

        private func file(_ data: Data) throws -> String {
            let path = try TestFolder.place("words.txt")
            try data.write(to: URL(fileURLWithPath: path))
            return path
        }

        @Test func `lyrics in other scripts are sung in ASCII, which the song file keeps with the warnings`()
            async throws
        {
            let (song, errors) = try await sample(["--lyrics", "Подмосковные вечера 🎵"])
            #expect(song.samples[0].lyrics == "Podmoskovnye vechera ")
            let warnings = try #require(song.warnings)
            #expect(warnings.count == 2 && warnings[0].contains("transliterated") && warnings[1].contains("🎵"))
            for warning in warnings { #expect(errors.contains("warning: \(warning)")) }
            let (ascii, _) = try await sample(["--lyrics", "Podmoskovnye vechera "])
            #expect(ascii.digests == song.digests && ascii.warnings == nil)
        }

        @Test func `lyrics of which nothing is left are said loudly, by plan as well`() async throws {
            let (song, errors) = try await sample(["--lyrics", "🎵 🎶"])
            #expect(errors.contains("NOTHING IS LEFT OF THE LYRICS") && song.warnings?.count == 1)
            let plan = try await Orchestrion.succeed(["plan", "--lyrics", "🎵 🎶"] + short)
            #expect(plan.errorOutput.contains("warning: NOTHING IS LEFT OF THE LYRICS"), "\(plan.report)")
        }

        @Test func `a file of lyrics may be in any encoding that texts come in`() async throws {
            let text = "sun sea\r\nsky caf\u{E9}"
            var digests: Set<[String: String]> = []
            for data in [
                Data(text.utf8), Data("\u{FEFF}\(text)".utf8), text.data(using: .utf16)!,
                text.data(using: .utf16LittleEndian)!, text.data(using: .utf16BigEndian)!,
                text.data(using: .isoLatin1)!,
            ] {
                let (song, errors) = try await sample(["--lyrics", "@" + file(data)])
                #expect(song.samples[0].lyrics == "sun sea\nsky cafe", "\(errors)")
                digests.insert(song.digests)
            }
            #expect(digests.count == 1)
        }

        @Test func `a file that holds no lyrics says what it is`() async throws {
            let folder = try TestFolder.make("folder")
            let cyrillic = try #require("Подмосковные вечера".data(using: .windowsCP1251))
            for (option, words) in [
                ("@/nowhere/words.txt", "there is no file /nowhere/words.txt"), ("@\(folder)", "\(folder) is a folder"),
                ("@" + (try file(cyrillic)), "another encoding"), ("@" + (try file(Data(0...255))), "not a text"),
                ("@" + (try file(Data())), "no words"), ("@", "name must follow"), ("@/dev/zero", "larger than"),
                ("@" + (try file(Data("%PDF-1.4".utf8))), "PDF"), (try file(Data("la la".utf8)), "write @"),
            ] {
                let result = try await Orchestrion.run(["sample", "--lyrics", option])
                #expect(result.ending == .exited(64), "\(result.report)")
                #expect(
                    result.errorOutput.contains("--lyrics: ") && result.errorOutput.contains(words), "\(result.report)")
            }
        }

        @Test func `an artist in another spelling is found, and said`() async throws {
            let (song, errors) = try await sample(["--artist", "Míra Sól"])
            #expect(song.samples[0].artist == "Mira Sol" && errors.contains("artist Míra Sól is taken as Mira Sol"))
            let (unknown, _) = try await sample(["--artist", "Björk"])
            #expect(unknown.warnings?.contains { $0.contains("artist Björk is not in the model's") } == true)
        }
    }
}
