import Checkpoint
import Foundation
import JukeboxModel
import Sampling
import SongPlan
import Tensor

/// How one quantity compares with what the original computed.
struct Finding: Encodable {
    var quantity: String
    /// Largest absolute difference, for numbers.
    var largestError: Double?
    /// Tokens that differ, and of how many, for codes.
    var differing: Int?
    var count: Int
    /// What is allowed of the one that applies.
    var tolerance: Double
    var passed: Bool
    var note: String?
}

/// Compares a model's folder with numbers from the original code: every quantity that the file of expectations has.
struct Verification {
    let model: Model
    let scenario: Scenario
    let expected: Checkpoint
    let team: ThreadTeam
    let report: (Finding) -> Void

    private static let logitTolerance = 5e-3

    /// Audio within −1 … 1 agrees to 1e-4; random weights can make it louder, and its rounding with it.
    private static func audioTolerance(_ wanted: [Float]) -> Double {
        1e-4 * Double(wanted.reduce(1) { max($0, abs($1)) })
    }

    func run() throws {
        let geometry = model.geometry
        try checkStarts()
        try checkLabels()
        try checkFilters()
        let vqvae = try model.vqvae()
        if expected.tensors["audio.in"] != nil { try checkVQVAE(vqvae) }
        var priors: [Int: Prior] = [:]
        for level in geometry.levels.indices { priors[level] = try model.prior(level: level) }
        for level in geometry.levels.indices.reversed() { try checkForward(level, priors[level]!) }
        for mode in ["ancestral", "primed", "upsample"] { try checkRun(mode, priors, vqvae) }
        try checkAlignment(priors[geometry.top]!)
    }

    // MARK: reading expectations

    func tensor(_ name: String) throws -> (shape: [Int], floats: [Float])? {
        guard let tensor = expected.tensors[name] else { return nil }
        return (tensor.shape, try tensor.floats())
    }

    /// [rows][columns] of an integer tensor.
    private func integers(_ name: String) throws -> [[Int]]? {
        guard let tensor = expected.tensors[name] else { return nil }
        let values = try tensor.int64s()
        let columns = tensor.shape.last ?? 1
        return (0..<(columns == 0 ? 0 : values.count / columns)).map {
            Array(values[$0 * columns..<($0 + 1) * columns])
        }
    }

    private func codes(_ prefix: String) throws -> [[[UInt16]]] {
        try model.geometry.levels.indices.map { level in
            try integers("\(prefix).z\(level)")?.map { $0.map { UInt16(clamping: $0) } } ?? []
        }
    }

    // MARK: reporting

    func compare(_ name: String, _ ours: [Float], _ theirs: [Float], tolerance: Double, note: String? = nil) {
        guard ours.count == theirs.count else {
            report(
                Finding(
                    quantity: name, count: theirs.count, tolerance: tolerance, passed: false,
                    note: "\(ours.count) numbers instead of \(theirs.count)"))
            return
        }
        var largest: Float = 0
        for (a, b) in zip(ours, theirs) where a != b {
            let difference = abs(a - b)
            if !(difference <= largest) { largest = difference.isNaN ? .infinity : difference }
        }
        report(
            Finding(
                quantity: name, largestError: Double(largest), count: theirs.count, tolerance: tolerance,
                passed: Double(largest) <= tolerance, note: note))
    }

    func compare<T: Equatable>(
        _ name: String, _ ours: [T], _ theirs: [T], allowed: Int = 0, note: String? = nil
    ) {
        let differing =
            ours.count == theirs.count ? zip(ours, theirs).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) } : theirs.count
        report(
            Finding(
                quantity: name, differing: differing, count: theirs.count, tolerance: Double(allowed),
                passed: ours.count == theirs.count && differing <= allowed, note: note))
    }

    // MARK: labels and windows

    func songLabels(level: Int) throws -> [SongLabels] {
        try scenario.specifications.map { try model.labellers[level].labels($0, defaultTotal: scenario.sampleLength) }
    }

    private func checkStarts() throws {
        for (level, shape) in model.geometry.levels.enumerated() {
            guard let wanted = scenario.windowStarts?["\(level)"] else { continue }
            let hop = try GeometryCheck.hop(fraction: scenario.hop[level], level: level, model.geometry)
            let starts = Plan.starts(
                total: scenario.sampleLength / shape.samplesPerToken, windowLength: shape.windowLength, hop: hop)
            compare("windows.level_\(level)", starts, wanted)
        }
    }

    private func checkLabels() throws {
        for level in model.geometry.levels.indices {
            let labels = try songLabels(level: level)
            if level == model.geometry.top, let wanted = scenario.fullTokens,
                model.labellers[level].prior.lyricLength > 0
            {
                compare("labels.lyrics", labels.flatMap(\.lyrics), wanted.flatMap { $0 })
            }
            if let wanted = try integers("labels.y\(level)") {
                compare(
                    "labels.y\(level)", labels.flatMap { model.labellers[level].vector($0, start: 0) },
                    wanted.flatMap { $0 })
            }
        }
    }

    private func checkFilters() throws {
        guard let (shape, logits) = try tensor("filter.logits") else { return }
        let columns = shape.last ?? 1
        for name in expected.tensors.keys.sorted() where name.hasPrefix("filter.top_") {
            guard let wanted = try tensor(name)?.floats, let value = Double(name.split(separator: "_").last ?? "")
            else {
                continue
            }
            var ours = logits
            let scratch = Buffer<UInt64>(count: 2 * columns)
            ours.withUnsafeMutableBufferPointer { buffer in
                for row in 0..<logits.count / columns {
                    let pointer = buffer.baseAddress! + row * columns
                    if name.contains("top_k") {
                        filterTopK(pointer, count: columns, k: Int(value))
                    } else {
                        filterTopP(pointer, count: columns, p: Float(value), scratch: scratch.pointer)
                    }
                }
            }
            compare(name, ours, wanted)
        }
    }

    // MARK: VQ-VAE

    private func checkVQVAE(_ vqvae: VQVAE) throws {
        guard let (shape, audio) = try tensor("audio.in") else { return }
        let length = shape.last ?? 0
        for level in model.geometry.levels.indices {
            guard let wanted = try integers("encode.z\(level)") else { continue }
            let ours = (0..<audio.count / length).flatMap {
                vqvae.encode(Array(audio[$0 * length..<($0 + 1) * length]), level: level, team: team)
            }
            compare(
                "encode.z\(level)", ours.map(Int.init), wanted.flatMap { $0 }, allowed: wanted[0].count / 500,
                note: "codes whose two best distances tie may differ")
        }
        let codes = try codes("encode")
        for level in model.geometry.levels.indices where !codes[level].isEmpty {
            guard let wanted = try tensor("decode.from_level_\(level)") else { continue }
            compare(
                "decode.from_level_\(level)", decode(codes[level], level: level, vqvae), wanted.floats,
                tolerance: Self.audioTolerance(wanted.floats))
        }
    }

    private func decode(_ samples: [[UInt16]], level: Int, _ vqvae: VQVAE) -> [Float] {
        var audio: [Float] = []
        for tokens in samples { vqvae.decode(tokens, level: level, team: team) { audio += $0 } }
        return audio
    }

    // MARK: priors

    /// Teacher-forced windows: label vectors, logits of sample 0, loss over all samples.
    private func checkForward(_ level: Int, _ prior: Prior) throws {
        let codes = try codes("ancestral")
        let prefix = "forward.level_\(level).start_"
        let starts = Set(
            expected.tensors.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                Int($0.dropFirst(prefix.count).prefix { $0.isNumber })
            }
        ).sorted()
        let labels = try songLabels(level: level)
        for start in starts {
            let name = "\(prefix)\(start)"
            let vectors = labels.map { model.labellers[level].vector($0, start: start) }
            if let wanted = try integers("\(name).y") {
                compare("\(name).y", vectors.flatMap { $0 }, wanted.flatMap { $0 })
            }
            guard !codes[level].isEmpty else { continue }
            let end = min(start + prior.hyperparameters.windowLength, codes[level][0].count)
            let factor = model.geometry.levels[level].tokensPerUpperToken
            var bits = 0.0
            for sample in codes[level].indices {
                let music = Array(codes[level][sample][start..<end])
                let above = factor.map { Array(codes[level + 1][sample][start / $0..<(end + $0 - 1) / $0]) }
                let logits = prior.logits(labels: vectors[sample], above: above, music: music, team: team)
                if sample == 0, let wanted = try tensor("\(name).logits") {
                    compare("\(name).logits", logits, wanted.floats, tolerance: Self.logitTolerance)
                }
                bits += prior.bits(logits, music: music)
            }
            if let wanted = try tensor("\(name).loss_bits") {
                compare(
                    "\(name).loss_bits", [Float(bits / Double(codes[level].count))], wanted.floats,
                    tolerance: Self.logitTolerance)
            }
        }
    }

    // MARK: whole runs

    private func checkRun(_ mode: String, _ priors: [Int: Prior], _ vqvae: VQVAE) throws {
        let wanted = try codes(mode)
        guard wanted.contains(where: { !$0.isEmpty }) else { return }
        let geometry = model.geometry
        let known = try knownTokens(mode, vqvae)
        var hops: [Int] = []
        for level in geometry.levels.indices {
            hops.append(try GeometryCheck.hop(fraction: scenario.hop[level], level: level, geometry))
        }
        let plan = try Plan(
            geometry: geometry, sampleLength: scenario.sampleLength, hops: hops, known: known.map { $0[0].count })
        let filter = Filter(
            temperature: Float(scenario.sampling?.temp ?? 1), topK: scenario.sampling?.topK ?? 1,
            topP: Float(scenario.sampling?.topP ?? 0))
        let perLevel = try geometry.levels.indices.map { try songLabels(level: $0) }
        let sampler = ReferenceSampler(
            plan: plan, seed: 0, filters: Array(repeating: filter, count: geometry.levels.count),
            labels: (0..<scenario.samples).map { sample in perLevel.map { $0[sample] } }, labellers: model.labellers,
            team: team)
        let tokens = try sampler.sample(known: known) { priors[$0]! }
        for level in geometry.levels.indices.reversed() {
            compare("\(mode).z\(level)", tokens[level].flatMap { $0 }, wanted[level].flatMap { $0 })
        }
        if let audio = try tensor("\(mode).audio") {
            compare(
                "\(mode).audio", decode(tokens[0], level: 0, vqvae), audio.floats,
                tolerance: Self.audioTolerance(audio.floats))
        }
    }

    /// From nothing; from the first quarter of `audio.in`, cut to whole top-level tokens; from its top level.
    private func knownTokens(_ mode: String, _ vqvae: VQVAE) throws -> [[[UInt16]]] {
        let geometry = model.geometry
        var known = geometry.levels.map { _ in [[UInt16]](repeating: [], count: scenario.samples) }
        guard mode != "ancestral" else { return known }
        guard mode != "upsample" else {
            known[geometry.top] = try codes("encode")[geometry.top]
            return known
        }
        guard let (shape, audio) = try tensor("audio.in") else { throw VerifyError("audio.in is missing") }
        let length = shape.last ?? 0
        let prompt = length / 4 / geometry.lengthUnit * geometry.lengthUnit
        for level in geometry.levels.indices {
            known[level] = (0..<scenario.samples).map {
                vqvae.encode(Array(audio[$0 * length..<$0 * length + prompt]), level: level, team: team)
            }
        }
        return known
    }

    // MARK: alignment

    private func checkAlignment(_ prior: Prior) throws {
        guard expected.tensors["align.0"] != nil else { return }
        let level = model.geometry.top
        let labels = try songLabels(level: level)
        let hop = try GeometryCheck.hop(fraction: scenario.hop[level], level: level, model.geometry)
        for (sample, codes) in try codes("ancestral")[level].enumerated() {
            guard let wanted = try tensor("align.\(sample)") else { continue }
            let alignment = Alignment.compute(
                prior: prior, labeller: model.labellers[level], labels: labels[sample], codes: codes, hop: hop,
                team: team)
            compare(
                "align.\(sample)", alignment.flatMap { $0 }, wanted.floats, tolerance: Self.logitTolerance)
        }
    }
}
