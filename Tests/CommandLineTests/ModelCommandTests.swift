import Foundation
import TestSupport
import Testing

extension CommandLines {
    struct ModelCommandTests {
        private struct Report: Decodable {
            struct Part: Decodable {
                var name: String
                var source: String
                var parameters: Int
                var bytes: Int
                var types: [String: Int]
                var fingerprint: String?
            }
            var name: String
            var layout: String
            var sampleRate: Int
            var parts: [Part]

            var fingerprints: [String: String] {
                Dictionary(uniqueKeysWithValues: parts.compactMap { part in part.fingerprint.map { (part.name, $0) } })
            }
        }

        private func inspect(_ folder: String) async throws -> Report {
            try await Orchestrion.succeed(["model", "inspect", folder, "--json"]).decode(Report.self)
        }

        @Test func `inspect tells levels, types, sizes and fingerprints`() async throws {
            let model = try await TestModel.tiny()
            let report = try await inspect(model)
            #expect(report.name == "tiny" && report.sampleRate == 44_100)
            #expect(report.parts.map(\.name) == ["VQ-VAE", "level 2", "level 1", "level 0"])
            for part in report.parts {
                #expect(part.parameters > 0 && part.bytes == 4 * part.parameters)
                #expect(part.types == ["float32": part.parameters])
                #expect(FileManager.default.fileExists(atPath: part.source))
            }
            #expect(Set(report.fingerprints.values).count == 3)
            for fingerprint in report.fingerprints.values {
                #expect(fingerprint.hasPrefix("f16/1:"))
                #expect(fingerprint.dropFirst(6).count == 64 && fingerprint.dropFirst(6).allSatisfy(\.isHexDigit))
            }
            let text = try await Orchestrion.succeed(["model", "inspect", model]).output
            for fingerprint in report.fingerprints.values { #expect(text.contains(fingerprint)) }
        }

        @Test(arguments: ["lyrics-single", "no-lyrics"])
        func `both layouts of one model have the same fingerprints`(name: String) async throws {
            let (ours, theirs) = try await (
                inspect("\(TestModel.fixtures)/\(name)"), inspect("\(TestModel.fixtures)/hf-\(name)")
            )
            #expect(ours.layout != theirs.layout)
            #expect(ours.fingerprints.count == 3 && ours.fingerprints == theirs.fingerprints)
        }

        @Test func `the same seed gives the same model, another one another`() async throws {
            let first = try await TestModel.tiny()
            let (again, other) = try (TestFolder.place("again"), TestFolder.place("other"))
            try await Orchestrion.succeed(["model", "init", "--preset", "tiny", "--seed", "11", again])
            try await Orchestrion.succeed(
                ["model", "init", "--hparams", "\(first)/hparams.json", "--seed", "12", other])
            let files = try FileManager.default.contentsOfDirectory(atPath: first).sorted()
            #expect(files.count == 5)
            for file in files {
                let (a, b, c) = try (bytes("\(first)/\(file)"), bytes("\(again)/\(file)"), bytes("\(other)/\(file)"))
                #expect(a == b, "\(file)")
                #expect((a == c) == (file == "hparams.json"), "\(file)")
            }
            let (fingerprints, others) = try await (inspect(again).fingerprints, inspect(other).fingerprints)
            #expect(fingerprints == (try await inspect(first).fingerprints))
            #expect(Set(fingerprints.values).isDisjoint(with: others.values))
        }

        private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

        @Test func `init does not overwrite a model, and knows its presets`() async throws {
            let model = try await TestModel.tiny()
            let over = try await Orchestrion.run(["model", "init", "--preset", "tiny", model])
            #expect(over.ending == .exited(64) && over.errorOutput.contains("already holds a model"))
            let unknown = try await Orchestrion.run(["model", "init", "--preset", "huge", TestFolder.place("huge")])
            #expect(unknown.ending == .exited(1))
            for word in ["huge", "5b_lyrics", "1b_lyrics", "tiny"] { #expect(unknown.errorOutput.contains(word)) }
        }

        @Test func `damaged weights are found before they are used`() async throws {
            let copy = try TestModel.copy(try await TestModel.tiny(), as: "damaged")
            let file = "\(copy)/prior_level_1.safetensors"
            try TestModel.alter(file, to: [1, .nan])
            let check = try await Orchestrion.run(["model", "inspect", "--check", copy])
            #expect(check.ending == .exited(1))
            #expect(check.errorOutput.contains("prior_level_1.safetensors"), "\(check.report)")
            #expect(check.errorOutput.contains("NaN"), "\(check.report)")
            #expect(truncate(file, 100_000) == 0)
            let cut = try await Orchestrion.run(["model", "inspect", copy])
            #expect(cut.ending == .exited(1) && cut.errorOutput.contains("prior_level_1.safetensors"), "\(cut.report)")
        }
    }
}
