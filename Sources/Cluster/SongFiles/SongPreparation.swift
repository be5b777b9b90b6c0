import AudioFile
import Checkpoint
import Foundation
package import JukeboxModel
package import SongPlan

/// A request that cannot be carried out, and what would work.
package struct SongError: Error, CustomStringConvertible {
    package enum Kind: Sendable {
        case other
        /// The song itself is wrong: nothing that happens to machines and disks makes it right.
        case song
        /// Something of the song is not here.
        case missing
        /// There is no such song, file or model.
        case unknown
        /// It contradicts what is there.
        case conflict
        /// Too much waits; it may be taken later.
        case busy
        /// The key may not do that.
        case forbidden
        /// The coordinator cannot do it just now.
        case unavailable
    }
    package var description: String
    package var kind: Kind
    package init(_ description: String, _ kind: Kind = .other) { (self.description, self.kind) = (description, kind) }
}

extension Error {
    /// Whether the song itself is wrong, and neither a machine nor a disk.
    package var isFaultOfSong: Bool { (self as? SongError)?.kind == .song }
}

/// Turns a request into a plan, checking all of it first.
package struct SongPreparation {
    private let model: Model
    private let geometry: ModelGeometry
    private var specification: SongSpecification
    private var warnings: [String] = []
    private var hashesWeights = true
    private var slots = 0
    private var fingerprints: (Model) throws -> [Int: String] = { try $0.fingerprints() }

    /// - Parameters:
    ///   - slots: windows that the cluster runs at the same time, for segments `auto`; 0 when that is not known.
    ///   - hashesWeights: whether the fingerprints are wanted, for which a large model is read once.
    ///   - fingerprints: a model's, where somebody remembers them.
    ///   - locate: the local file for a recording or codes file that the request names.
    /// - Throws: `SongError`, `GeometryError`, `LabelError`, `AudioFileError`, `CheckpointError`, each naming what is
    ///   wrong and what would work.
    package static func prepare(
        _ specification: SongSpecification, model: Model, slots: Int = 0, hashesWeights: Bool = true,
        fingerprints: @escaping (Model) throws -> [Int: String] = { try $0.fingerprints() },
        locate: (String) throws -> String = { $0 }
    ) throws -> PreparedSong {
        var preparation = SongPreparation(model: model, geometry: model.geometry, specification: specification)
        preparation.fingerprints = fingerprints
        preparation.hashesWeights = hashesWeights
        preparation.slots = slots
        return try preparation.run(locate: locate)
    }

    private init(model: Model, geometry: ModelGeometry, specification: SongSpecification) {
        self.model = model
        self.geometry = geometry
        self.specification = specification
    }

    private mutating func run(locate: (String) throws -> String) throws -> PreparedSong {
        let levels = geometry.levels.count
        if hashesWeights { try model.folder.check(has: .vqvae) }
        if let note = model.folder.neighbourNote { warnings.append(note) }
        guard (1...256).contains(specification.samples.count) else {
            throw SongError("a song has 1 to 256 samples; got \(specification.samples.count)")
        }
        try checkLengths()
        try OptionCheck.check(specification, geometry)
        warnings += OptionCheck.nothingToSample(specification, geometry)
        try checkNumbers()
        let filters = try filters(levels: levels)
        let fractions = try (specification.hopFraction ?? Self.defaultHops(levels: levels)).values(
            levels: levels, name: "hop_fraction")
        var hops: [Int] = []
        for (level, fraction) in fractions.enumerated() {
            hops.append(try GeometryCheck.hop(fraction: fraction, level: level, geometry))
        }
        let (source, known) = try checkedSource(locate: locate)
        let length = try length(known: known)
        try PlanBounds.check(
            geometry, sampleLength: length, hops: hops, known: known, stopAt: specification.stopAt,
            samples: specification.samples.count)
        let segmentation = try segmentation(length: length, known: known)
        let plan = try Plan(
            geometry: geometry, sampleLength: length, hops: hops, known: known, stopAt: specification.stopAt,
            segmentation: segmentation)
        let review = LabelReview(specification, model: model)
        specification.samples = review.samples
        warnings += review.warnings
        let labels = try labels(length: length)
        // Last, because a large model takes a while to hash.
        let fingerprints = hashesWeights ? try checkFingerprints() : [:]
        specification.hopFraction = .each(fractions)
        specification.seconds = nil
        specification.sampleLength = length
        // What `auto` came to, and the usual overlap, so that the song file says what the song is.
        if specification.segments != nil { specification.segments = .count(plan.cuts.count + 1) }
        if !plan.cuts.isEmpty { specification.overlap = specification.overlap ?? Segmentation.usualOverlap }
        specification.fingerprints = geometry.levels.indices.compactMap { fingerprints[$0] }
        return PreparedSong(
            specification: specification, plan: plan, hops: hops, filters: filters, labels: labels,
            fingerprints: fingerprints, warnings: warnings, source: source)
    }

    /// The original's defaults: 0.5, and 0.125 for the top of three levels.
    package static func defaultHops(levels: Int) -> PerLevel<Double> {
        levels == 3 ? .each([0.5, 0.5, 0.125]) : .all(0.5)
    }

    private func checkFingerprints() throws -> [Int: String] {
        let fingerprints = try fingerprints(model)
        for (level, wanted) in (specification.fingerprints ?? []).enumerated() where fingerprints[level] != wanted {
            throw SongError(
                "the song was made with a model whose level \(level) has fingerprint \(wanted); "
                    + "\(model.name) has \(fingerprints[level] ?? "no such level"). Use the same model, or remove "
                    + "\"fingerprints\" from the song file")
        }
        return fingerprints
    }

    /// Numbers that later arithmetic takes for sensible.
    private func checkLengths() throws {
        for (name, seconds) in [("seconds", specification.seconds), ("prompt_seconds", specification.promptSeconds)] {
            guard let seconds else { continue }
            guard seconds > 0, seconds <= 3600 else {
                throw SongError("\(name) is \(seconds); it must be above 0 and at most 3600")
            }
        }
        if specification.seconds != nil, specification.sampleLength != nil {
            throw SongError("give seconds or sample_length, not both")
        }
        if let length = specification.sampleLength { try GeometryCheck.length(length, geometry) }
    }

    /// Samples of one number would be the same sample.
    private func checkNumbers() throws {
        var seen: Set<Int> = []
        for (place, sample) in specification.samples.enumerated() {
            let number = sample.number ?? place
            guard (0...65_535).contains(number) else {
                throw SongError("a sample's number \(number) is not 0 to 65535")
            }
            guard seen.insert(number).inserted else {
                throw SongError("two samples have the number \(number), which makes them one; give each its own")
            }
        }
    }

    private func filters(levels: Int) throws -> [Filter] {
        let temperatures = try specification.temperature.values(levels: levels, name: "temperature")
        let topKs = try specification.topK.values(levels: levels, name: "top_k")
        let topPs = try specification.topP.values(levels: levels, name: "top_p")
        return try (0..<levels).map { level in
            let (temperature, topK, topP) = (temperatures[level], topKs[level], topPs[level])
            guard temperature >= 1e-4, temperature <= 1e4 else {
                throw SongError(
                    "temperature \(temperature) at level \(level) must be above 0 (0.0001 to 10000); 0.99 is usual")
            }
            guard (0...65_535).contains(topK) else {
                throw SongError("top_k \(topK) must be 0 (off) or a count of codes")
            }
            guard topP >= 0, topP <= 1 else { throw SongError("top_p \(topP) must be 0 (off) to 1") }
            guard topK == 0 || topP == 0 else {
                throw SongError("top_k and top_p exclude each other at level \(level); set one of them to 0")
            }
            return Filter(temperature: Float(temperature), topK: topK, topP: Float(topP))
        }
    }

    // MARK: what the song starts from

    /// A recording or codes that were there and are no good are the song's fault.
    private mutating func checkedSource(
        locate: (String) throws -> String
    ) throws -> (PreparedSong.Source, known: [Int]) {
        do {
            return try source(locate: locate)
        } catch let error as SongError where error.kind == .other {
            throw SongError(error.description, .song)
        } catch let error as AudioFileError {
            throw SongError(error.description, .song)
        } catch let error as CheckpointError {
            switch error.kind {
            case .missing, .unreadable: throw error
            case .truncated, .malformed, .forbidden, .unsupported: throw SongError(error.description, .song)
            }
        }
    }

    private mutating func source(
        locate: (String) throws -> String
    ) throws -> (PreparedSong.Source, known: [Int]) {
        let none = Array(repeating: 0, count: geometry.levels.count)
        let top = geometry.top
        switch specification.mode {
        case .ancestral:
            guard specification.prompt == nil, specification.codes == nil else {
                throw SongError(
                    "mode ancestral starts from nothing; with a recording use mode primed or upsample, with codes "
                        + "upsample or continue")
            }
            return (.nothing, none)
        case .primed:
            let recordings = try recordings(atMost: samples(specification.promptSeconds), locate: locate)
            let known = geometry.levels.map { recordings.audio[0].count / $0.samplesPerToken }
            let all = Array(geometry.levels.indices)
            return (.recordings(recordings.audio, bySample: recordings.bySample, levels: all), known)
        case .upsample:
            guard specification.prompt != nil || specification.codes != nil else {
                throw SongError("mode upsample needs --prompt (a recording) or --codes (a file of codes)")
            }
            var known = none
            if specification.codes == nil {
                let wanted = specification.sampleLength ?? samples(specification.seconds ?? specification.promptSeconds)
                let recordings = try recordings(atMost: wanted, locate: locate)
                known[top] = recordings.audio[0].count / geometry.levels[top].samplesPerToken
                return (.recordings(recordings.audio, bySample: recordings.bySample, levels: [top]), known)
            }
            var codes = try codes(locate: locate)
            for level in 0..<top { codes[level] = codes[level].map { _ in [] } }
            guard let count = codes[top].first?.count, count > 0 else {
                throw SongError("\(specification.codes!): there are no codes of the top level (z\(top)) to upsample")
            }
            let wanted = specification.sampleLength ?? samples(specification.seconds)
            known[top] = try OptionCheck.tokens(wanted, of: count, in: specification.codes!, geometry)
            codes[top] = codes[top].map { Array($0.prefix(known[top])) }
            return (.codes(codes), known)
        case .continue:
            let codes = try codes(locate: locate)
            return (.codes(codes), codes.map { $0.first?.count ?? 0 })
        }
    }

    /// Audio samples of so many seconds.
    private func samples(_ seconds: Double?) -> Int? { seconds.map { Int($0 * Double(geometry.sampleRate)) } }

    /// All cut to the same whole number of top-level tokens.
    private mutating func recordings(
        atMost limit: Int?, locate: (String) throws -> String
    ) throws -> PromptRecordings {
        if let count = specification.prompt?.count, count > 1, specification.samples.count == 1 {
            specification.samples = Array(repeating: specification.samples[0], count: count)
        }
        let recordings = try PromptRecordings(
            specification, geometry: geometry, atMost: limit, usualSeconds: Self.defaultSeconds, locate: locate)
        warnings += recordings.warnings
        return recordings
    }

    private mutating func codes(locate: (String) throws -> String) throws -> [[[UInt16]]] {
        guard let file = specification.codes else {
            if specification.ancestry != nil || specification.parent != nil {
                throw SongError(
                    "the song is a branch, and its parents must be made before it: orchestrion sample --song and "
                        + "orchestrion submit --song do that with its song.json")
            }
            throw SongError("mode \(specification.mode.rawValue) needs --codes, a file of saved codes")
        }
        let path = try locate(file)
        let levels = try CodesFile.read(path, levels: geometry.levels.count)
        guard levels.count == geometry.levels.count else {
            throw SongError("\(file) has \(levels.count) levels of codes; the model has \(geometry.levels.count)")
        }
        let count = levels.map(\.count).max() ?? 0
        guard count > 0 else { throw SongError("\(file) holds no codes") }
        try CodesOrder.check(levels, geometry, file)
        if specification.samples.count == 1 {
            specification.samples = Array(repeating: specification.samples[0], count: count)
        }
        guard specification.samples.count == count else {
            throw SongError("\(file) has \(count) samples; the song names \(specification.samples.count)")
        }
        try specification.parent?.check(kept: levels, file)
        return try levels.enumerated().map { level, samples in
            let shape = geometry.levels[level]
            let samples = samples.isEmpty ? Array(repeating: [], count: count) : samples
            guard samples.count == count else {
                throw SongError("\(file): z\(level) has \(samples.count) samples, another level has \(count)")
            }
            return try samples.map { row in
                guard row.count == samples[0].count else {
                    throw SongError("\(file): z\(level) has rows of different lengths")
                }
                return try row.map { code in
                    guard (0..<shape.codes).contains(code) else {
                        throw SongError("\(file): z\(level) holds the code \(code); the codebook has \(shape.codes)")
                    }
                    return UInt16(code)
                }
            }
        }
    }

    // MARK: how long it is

    private static let defaultSeconds = 20.0

    private mutating func length(known: [Int]) throws -> Int {
        let unit = geometry.lengthUnit
        let covered = zip(known, geometry.levels).map { $0 * $1.samplesPerToken }.max() ?? 0
        let rounded = (covered + unit - 1) / unit * unit
        if specification.mode == .upsample { return covered }
        if let length = specification.sampleLength { return length }
        if let seconds = specification.seconds {
            let length = Int(seconds * Double(geometry.sampleRate)) / unit * unit
            guard length > 0 else {
                throw SongError(
                    "\(seconds) s is shorter than one top-level token; the least is "
                        + "\(Self.seconds(Double(unit) / Double(geometry.sampleRate), .up)) s")
            }
            return length
        }
        if specification.mode == .continue { return rounded }
        return rounded + Int(Self.defaultSeconds * Double(geometry.sampleRate)) / unit * unit
    }

    private mutating func segmentation(length: Int, known: [Int]) throws -> Segmentation? {
        guard let choice = specification.segments else {
            guard specification.overlap == nil else { throw SongError("overlap is for songs in segments") }
            return nil
        }
        let segmentation =
            specification.stopAt >= geometry.top
            ? nil
            : try Segmentation.standard(
                choice, length: Plan.lengthToCut(sampleLength: length, known: known, geometry: geometry),
                geometry: geometry, overlap: specification.overlap ?? Segmentation.usualOverlap, slots: slots)
        if segmentation == nil {
            warnings += OptionCheck.unusedCuts(specification, choice, geometry)
            specification.overlap = nil
        }
        return segmentation
    }

    private func labels(length: Int) throws -> [[SongLabels]] {
        try specification.samples.map { sample in
            // An offset that cannot be is told below, where it is checked.
            var total = length + min(max(0, sample.offset ?? 0), 1 << 32)
            if let timing = geometry.timing {
                total = min(max(total, timing.minimumTotal), timing.maximumTotal - 1)
            }
            return try model.labellers.map { labeller in
                let labels = try labeller.labels(sample, defaultTotal: total)
                try GeometryCheck.timing(
                    totalLength: labels.totalLength, offset: labels.offset, sampleLength: length, geometry)
                try GeometryCheck.part(
                    ofTotal: labels.totalLength, offset: labels.offset, sampleLength: length, geometry)
                return labels
            }
        }
    }

    /// Rounded so that the value named still works: down for what is the most, up for what is the least.
    private static func seconds(_ value: Double, _ rule: FloatingPointRoundingRule = .down) -> String {
        String(format: "%.4f", (value * 10_000).rounded(rule) / 10_000)
    }
}
