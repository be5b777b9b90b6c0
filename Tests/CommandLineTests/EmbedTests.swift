import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What layers make of recordings, in files.
    @Suite(.serialized) struct EmbedTests {
        private struct Report: Decodable {
            struct Entry: Decodable {
                var recording: String
                var state: String
                var record: String?
                var reason: String?
            }
            var entries: [Entry]
        }

        private static let model = "\(TestModel.fixtures)/no-lyrics"

        /// A mono WAV with 16 bits of a tone.
        private func write(_ path: String, samples: Int, pitch: Double = 220) throws {
            func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
                withUnsafeBytes(of: number.littleEndian) { Array($0) }
            }
            var file = Array("RIFF".utf8) + bytes(UInt32(36 + 2 * samples)) + Array("WAVEfmt ".utf8)
            file += bytes(UInt32(16)) + bytes(UInt16(1)) + bytes(UInt16(1)) + bytes(UInt32(44_100))
            file += bytes(UInt32(88_200)) + bytes(UInt16(2)) + bytes(UInt16(16))
            file += Array("data".utf8) + bytes(UInt32(2 * samples))
            for index in 0..<samples {
                file += bytes(Int16(9000 * sin(2 * .pi * pitch * Double(index) / 44_100)))
            }
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file).write(to: URL(fileURLWithPath: path))
        }

        private func header(_ path: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)).prefix(128), as: UTF8.self)
        }

        private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

        @Test func `one broken recording among others is told, and the others are done, once`() async throws {
            let folder = try TestFolder.place("music"), out = try TestFolder.place("features")
            try write("\(folder)/a.wav", samples: 9000)
            try write("\(folder)/deeper/a.wav", samples: 17_000, pitch: 330)
            try Data("no sound".utf8).write(to: URL(fileURLWithPath: "\(folder)/broken.wav"))
            let command = ["embed", folder, "--model", Self.model, "--layer", "5", "--out", out, "--json"]
            let first = try await Orchestrion.run(command)
            #expect(first.ending == .exited(1) && first.errorOutput.contains("broken.wav"))
            let report = try first.decode(Report.self)
            #expect(report.entries.map(\.state) == ["made", "failed", "made"])
            #expect(try header("\(out)/a.npy").contains("'shape': (70, 64)"))
            #expect(try header("\(out)/deeper/a.npy").contains("'shape': (128, 64)"))
            // Again: nothing is made. With the recording mended, it alone is.
            let made = try bytes("\(out)/a.npy")
            try FileManager.default.removeItem(atPath: "\(out)/deeper/a.npy")
            try write("\(folder)/broken.wav", samples: 9000)
            let second = try await Orchestrion.succeed(command).decode(Report.self)
            #expect(second.entries.map(\.state) == ["there", "made", "made"])
            #expect(try bytes("\(out)/a.npy") == made)
            // The same sound under another name has the same bytes.
            #expect(try bytes("\(out)/broken.npy") == made)
            let record = String(decoding: try bytes("\(out)/a.json"), as: UTF8.self)
            for part in [
                "\"fingerprint\" : \"f16/1:", "\"layers\"", "2734080", "\"profile\" : \"f16\"", "\"pool\" : \"none\"",
                "\"version\"",
            ] {
                #expect(record.contains(part), "\(part)")
            }
        }

        @Test func `formats, layers and slices have names of their own`() async throws {
            let folder = try TestFolder.place("music"), out = try TestFolder.place("features")
            try write("\(folder)/a.wav", samples: 18_000)
            let common = ["embed", "\(folder)/a.wav", "--model", Self.model, "--out", out, "--threads", "1"]
            let sliced = common + ["--layer", "1,5", "--windows", "slices:0.2,0.1", "--rate", "30"]
            try await Orchestrion.succeed(sliced)
            for slice in 0..<3 {
                for layer in [1, 5] {
                    #expect(try header("\(out)/a_slice\(slice).layer\(layer).npy").contains("'shape': (6, 64)"))
                }
            }
            // Another request takes the place of the former one.
            try await Orchestrion.succeed(sliced + ["--format", "npz"])
            #expect(!FileManager.default.fileExists(atPath: "\(out)/a_slice0.layer1.npy"))
            let archive = try bytes("\(out)/a.npz")
            for name in ["layer_1.npy", "layer_5.npy", "'shape': (3, 6, 64)"] {
                #expect(archive.range(of: Data(name.utf8)) != nil, "\(name)")
            }
            try await Orchestrion.succeed(common + ["--layer", "5", "--pool", "mean", "--format", "safetensors"])
            #expect(try bytes("\(out)/a.safetensors").range(of: Data("\"layer_5\"".utf8)) != nil)
        }

        @Test func `recordings of one name keep apart`() async throws {
            let folder = try TestFolder.place("music"), out = try TestFolder.place("features")
            for name in ["one/a.wav", "two/a.wav"] { try write("\(folder)/\(name)", samples: 5000) }
            try FileManager.default.copyItem(atPath: "\(folder)/one/a.wav", toPath: "\(folder)/one/a.aiff")
            try await Orchestrion.succeed([
                "embed", "\(folder)/one", "\(folder)/two", "--model", Self.model, "--layer", "1", "--out", out,
            ])
            for name in ["a.aiff", "one/a.wav", "two/a.wav"] {
                #expect(FileManager.default.fileExists(atPath: "\(out)/\(name).npy"), "\(name)")
            }
        }

        @Test
        func `a file of others beside a recording is left alone, and what the system refuses is that recording's`()
            async throws
        {
            let folder = try TestFolder.place("music")
            for name in ["a.wav", "b.wav"] { try write("\(folder)/\(name)", samples: 5000) }
            try Data("{\"title\": \"mine\"}".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.json"))
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/gone.wav", withDestinationPath: "\(folder)/nowhere")
            let result = try await Orchestrion.run(
                ["embed", folder, "--model", Self.model, "--layer", "1", "--out", folder, "--json"])
            #expect(result.ending == .exited(1))
            #expect(try result.decode(Report.self).entries.map(\.state) == ["failed", "made", "failed"])
            #expect(result.errorOutput.contains("a.json is there and is no record of features"))
            #expect(try bytes("\(folder)/a.json") == Data("{\"title\": \"mine\"}".utf8))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/a.npy"))
        }

        @Test(arguments: [
            (["--layer", "10"], "1 to 9"), (["--pool", "max"], "--pool"), (["--windows", "some"], "--windows"),
            (["--rate", "0"], "--rate"), (["--rate", "400"], "344.5"), (["--like", "edge"], "say --layer"),
        ])
        func `what cannot be is said`(options: [String], words: String) async throws {
            let folder = try TestFolder.place("music")
            try write("\(folder)/a.wav", samples: 5000)
            let result = try await Orchestrion.run(
                ["embed", folder, "--model", Self.model, "--out", TestFolder.place("features")] + options)
            #expect(result.ending != .exited(0) && result.errorOutput.contains(words), "\(result.errorOutput)")
        }

        @Test(arguments: ["no-lyrics", "lyrics-encdec", "lyrics-single"])
        func `verify compares features with the original's`(name: String) async throws {
            let result = try await Orchestrion.succeed([
                "verify", "\(TestModel.fixtures)/\(name)", "--features",
                "\(TestModel.fixtures)/embeddings/\(name).embed.safetensors",
            ])
            #expect(result.output.contains("ok   features.full.tokens"))
            #expect(result.output.contains("ok   features.short.layer_1"))
        }
    }
}
