import CoordinatorCore
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SongPlan

/// What planning needs to know of a song and its model, found without reading a weight.
struct PlannedSong {
    var name: String
    /// As it was asked for, and exact or in segments, whichever that was not.
    var submission: Submission
    var other: Submission?
    var plan: Plan
    var hyperparameters: Hyperparameters
    /// What the user would be told when the song is submitted.
    var warnings: [String] = []

    /// Of a request: with a model's folder or name, all that `submit` checks is checked.
    ///
    /// - Parameter slots: of all workers, for segments `auto`.
    init(_ request: SongRequest, slots: Int) throws {
        let model = try Model(path: MusicBox.path(of: request.specification.model))
        let prepared = try SongPreparation.prepare(
            request.specification, model: model, slots: slots, hashesWeights: false)
        hyperparameters = model.hyperparameters
        name = model.name
        plan = prepared.plan
        warnings = prepared.warnings
        submission = Self.submission(
            PlanInputs(
                geometry: model.geometry, sampleLength: plan.sampleLength, hops: prepared.hops,
                known: plan.levels.map(\.known), stopAt: plan.stopAt,
                segmentation: plan.segmentation), samples: prepared.labels.count)
        other = alternative(request.specification, slots: slots)
    }

    /// In segments if the song is exact, and exact if it is not; nil when it is too short for segments.
    private func alternative(_ specification: SongSpecification, slots: Int) -> Submission? {
        var inputs = submission.planInputs
        let length = Plan.lengthToCut(
            sampleLength: inputs.sampleLength, known: inputs.known, geometry: inputs.geometry)
        inputs.segmentation =
            inputs.segmentation != nil
            ? nil
            : try? Segmentation.standard(
                .auto, length: length, geometry: inputs.geometry,
                overlap: specification.overlap ?? Segmentation.usualOverlap, slots: slots)
        guard inputs != submission.planInputs, (try? inputs.plan()) != nil else { return nil }
        return Self.submission(inputs, samples: submission.samples)
    }

    /// Of a published geometry, without a model's files.
    init(preset: String, _ specification: SongSpecification, slots: Int) throws {
        hyperparameters = try Hyperparameters(preset: preset)
        name = preset
        let geometry = hyperparameters.geometry
        guard specification.mode == .ancestral || specification.mode == .upsample else {
            throw SongError("without a model's files, mode ancestral and upsample can be planned")
        }
        let unit = geometry.lengthUnit
        let length =
            specification.sampleLength
            ?? Int((specification.seconds ?? 20) * Double(geometry.sampleRate)) / unit * unit
        let fractions = try (specification.hopFraction ?? SongPreparation.defaultHops(levels: geometry.levels.count))
            .values(levels: geometry.levels.count, name: "hop_fraction")
        let hops = try fractions.enumerated().map { try GeometryCheck.hop(fraction: $1, level: $0, geometry) }
        var known = geometry.levels.map { _ in 0 }
        if specification.mode == .upsample { known[geometry.top] = length / unit }
        let segmentation = try specification.segments.flatMap { choice in
            try Segmentation.standard(
                choice, length: Plan.lengthToCut(sampleLength: length, known: known, geometry: geometry),
                geometry: geometry, overlap: specification.overlap ?? Segmentation.usualOverlap, slots: slots)
        }
        let inputs = PlanInputs(
            geometry: geometry, sampleLength: length, hops: hops, known: known, stopAt: specification.stopAt,
            segmentation: segmentation)
        plan = try inputs.plan()
        submission = Self.submission(inputs, samples: specification.samples.count)
        other = alternative(specification, slots: slots)
    }

    /// One that stands for the real one in a simulation.
    static func submission(_ inputs: PlanInputs, samples: Int, song: String = "song") -> Submission {
        let levels = inputs.geometry.levels
        return Submission(
            song: song, model: "model",
            fingerprints: Dictionary(uniqueKeysWithValues: levels.indices.map { ($0, "\($0)") }),
            planInputs: inputs, seed: 0, filters: levels.map { _ in Filter(temperature: 1) },
            labels: Array(repeating: levels.map { _ in nil }, count: samples),
            awaitsTokens: inputs.known.contains { $0 > 0 })
    }

    /// By level, multiplications of a token, in those of the plainest level.
    var costs: [Double] {
        let counts = hyperparameters.priors.map { $0.multiplicationsPerToken(vqvae: hyperparameters.vqvae) }
        let least = counts.min() ?? 1
        return counts.map { $0 / least }
    }
}
