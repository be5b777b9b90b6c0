import ArgumentParser
import Checkpoint
import Foundation
import JukeboxModel
import MusicBox
import SongPlan

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Look at models, fetch published ones, or make one of random weights.",
        subcommands: [Inspect.self, ModelFetchCommand.self, Initialise.self])

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a model's levels, geometry, parameters, types, sizes and fingerprints.")

        @Argument(help: ArgumentHelp("The model's folder, or \(MusicBox.name).", valueName: "dir|name"))
        var directory: String

        @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
        var preset: String?

        @Flag(
            help:
                "Read all weights; report the first that is not a number or too large for the profile, else the largest."
        )
        var check = false

        @Option(
            help: ArgumentHelp(
                "How numbers shall be kept, for --check and the fingerprints: \(NumericProfile.list).",
                valueName: "profile"))
        var profile: NumericProfile = .standard

        @Flag(help: "Do not hash the weights, which takes a while for large models.")
        var noFingerprint = false

        @Flag(help: "Print it as JSON.")
        var json = false

        func run() throws {
            let model = try Model(path: MusicBox.path(of: directory), preset: preset, profile: profile)
            let report = try ModelReport(model, fingerprints: !noFingerprint, check: check)
            print(json ? try Terminal.json(report) : report.text)
        }
    }

    struct Initialise: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Write a model of random weights, of a named geometry or of a hparams.json's.",
            discussion: "For tests and benchmarks of real sizes. The same seed gives the same files.")

        @Option(
            help: ArgumentHelp(
                "The geometry: \(Hyperparameters.presets.joined(separator: ", ")).", valueName: "name"))
        var preset: String?

        @Option(help: ArgumentHelp("A hparams.json with the geometry.", valueName: "file"))
        var hparams: String?

        @Option(help: "The seed of the weights.")
        var seed: UInt64 = 0

        @Option(
            help: ArgumentHelp("The priors to write, with commas (default: all, and the VQ-VAE).", valueName: "2"))
        var levels: String?

        @Argument(help: ArgumentHelp("The folder to write.", valueName: "dir"))
        var directory: String

        func validate() throws {
            guard (preset == nil) != (hparams == nil) else {
                throw ValidationError("give either --preset or --hparams")
            }
        }

        func run() throws {
            let json: Data
            if let hparams {
                guard let data = FileManager.default.contents(atPath: hparams) else {
                    throw ValidationError("--hparams: there is no file \(hparams)")
                }
                json = data
            } else {
                json = try Hyperparameters.json(preset: preset ?? "")
            }
            let hyperparameters = try Hyperparameters(json: json, source: hparams ?? "preset \(preset ?? "")")
            let folder = URL(fileURLWithPath: directory)
            let existing = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            guard !existing.contains(where: { $0.hasSuffix(".safetensors") || $0.hasSuffix(".pth.tar") }) else {
                throw ValidationError("\(directory) already holds a model; choose another folder")
            }
            let chosen = try levels?.split(separator: ",").map { text in
                guard let level = Int(text), hyperparameters.priors.indices.contains(level) else {
                    throw ValidationError(
                        "--levels: \(text) is not one of the levels 0 to \(hyperparameters.priors.count - 1)")
                }
                return level
            }
            guard chosen?.isEmpty != true else { throw ValidationError("--levels names no level") }
            var progress: ProgressLine?
            // What is not complete would be taken for a model, and could not be made again in the same place.
            let leaveNothing: @Sendable () -> Void = {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
                for name in names
                where !existing.contains(name) && (name.contains(".safetensors") || name.hasPrefix("hparams")) {
                    try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
                }
                rmdir(folder.path)
            }
            let cleanup = Signals.cleanUp(leaveNothing)
            defer { Signals.forget(cleanup) }
            do {
                try ModelWriter.write(
                    hyperparameters, json: json, seed: seed, folder: folder, levels: chosen.map(Set.init)
                ) { done, total in
                    if progress == nil { progress = ProgressLine("writing \(directory)", total: total) }
                    progress?.update(done)
                }
            } catch {
                leaveNothing()
                throw error
            }
            progress?.finish()
            print(directory)
        }
    }
}

/// What `model inspect` tells.
struct ModelReport: Encodable {
    struct Part: Encodable {
        var name: String
        var source: String
        var parameters: Int
        var bytes: Int
        /// Elements of each type.
        var types: [String: Int]
        var geometry: String
        var fingerprint: String?
        /// With --check: the number that is farthest from 0.
        var largest: Largest?
    }
    struct Largest: Encodable {
        var tensor: String
        var magnitude: Float
    }
    var name: String
    var path: String
    var layout: String
    var sampleRate: Int
    var parts: [Part]
    /// What another folder lent.
    var note: String?

    init(_ model: Model, fingerprints: Bool, check: Bool) throws {
        name = model.name
        path = model.folder.path
        layout = model.folder.layout.rawValue
        sampleRate = model.geometry.sampleRate
        note = model.folder.neighbourNote
        parts = []
        func add(_ part: ModelPart, _ name: String, _ geometry: String, _ fingerprint: String?) throws {
            let weights = try model.weights(of: part)
            if check { try Self.check(weights, of: part, model) }
            let size = weights.size
            parts.append(
                Part(
                    name: name, source: weights.source, parameters: size.parameters, bytes: size.bytes,
                    types: weights.types, geometry: geometry, fingerprint: fingerprint,
                    largest: check ? weights.largest.map { Largest(tensor: $0.name, magnitude: $0.magnitude) } : nil))
        }
        let v = model.hyperparameters.vqvae
        try add(
            .vqvae, "VQ-VAE",
            "\(v.levels) levels, \(v.codes) codes, "
                + "\(v.samplesPerToken.map(String.init).joined(separator: "/")) samples a token",
            nil)
        for level in model.folder.levels.reversed() where model.hyperparameters.priors.indices.contains(level) {
            let prior = model.hyperparameters.priors[level]
            var geometry =
                "width \(prior.width), depth \(prior.depth), \(prior.heads) \(prior.heads == 1 ? "head" : "heads"), window "
                + "\(prior.windowLength), attention order \(prior.attentionOrder)"
            if let blocks = prior.blocks { geometry += ", \(blocks) blocks" }
            if prior.lyricLength > 0 { geometry += ", \(prior.lyricLength) lyric characters" }
            if !prior.labels { geometry += ", no labels" }
            try add(
                .prior(level: level), "level \(level)", geometry,
                fingerprints ? try model.fingerprint(level: level) : nil)
        }
    }

    private static func check(_ weights: Weights, of part: ModelPart, _ model: Model) throws {
        switch part {
        case .vqvae: try weights.checkFinite()
        case .prior(let level):
            let hyperparameters = model.hyperparameters
            try weights.check(model.profile, of: hyperparameters.priors[level], vqvae: hyperparameters.vqvae)
        }
    }

    var text: String {
        var lines = ["\(name)  \(layout) layout, \(sampleRate) Hz  (\(path))"]
        for part in parts {
            let types = part.types.sorted { $0.value > $1.value }.map(\.key).joined(separator: " + ")
            lines.append(
                "\(part.name)  \(Self.count(part.parameters)) parameters, \(Terminal.bytes(part.bytes)), \(types)")
            lines.append("  \(part.geometry)")
            if let largest = part.largest {
                lines.append("  no NaN or infinity; the largest number is \(largest.magnitude), in \(largest.tensor)")
            }
            if let fingerprint = part.fingerprint { lines.append("  fingerprint \(fingerprint)") }
        }
        if let note { lines.insert("  \(note)", at: 1) }
        let total = parts.reduce(0) { $0 + $1.parameters }
        lines.append("total  \(Self.count(total)) parameters, \(Terminal.bytes(parts.reduce(0) { $0 + $1.bytes }))")
        return lines.joined(separator: "\n")
    }

    private static func count(_ value: Int) -> String {
        switch value {
        case 1_000_000_000...: String(format: "%.2f billion", Double(value) / 1e9)
        case 1_000_000...: String(format: "%.1f million", Double(value) / 1e6)
        default: "\(value)"
        }
    }
}
