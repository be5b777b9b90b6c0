package import JukeboxModel
package import SongPlan

/// What a worker needs to know of the model whose levels it serves, beside what its backend knows.
package struct ServedModel: Sendable {
    /// For people.
    package let name: String
    /// By level that is served, as everything here.
    package let fingerprints: [Int: String]
    let labellers: [Int: Labeller]
    /// Rows of an attention block.
    let blockLengths: [Int: Int]
    /// What an assignment must keep to.
    let checks: [Int: AssignmentCheck]

    /// - Parameters:
    ///   - priors: of all levels.
    ///   - codes: in the codebook of each level.
    package init(
        name: String, geometry: ModelGeometry, priors: [PriorHyperparameters], labellers: [Labeller], codes: Int,
        levels: [Int], fingerprints: [Int: String]
    ) {
        func each<Value>(_ value: (Int) -> Value) -> [Int: Value] {
            Dictionary(uniqueKeysWithValues: Set(levels).map { ($0, value($0)) })
        }
        self.name = name
        self.fingerprints = fingerprints
        self.labellers = each { labellers[$0] }
        blockLengths = each { priors[$0].transformer(codes: codes).blockLength }
        checks = each { AssignmentCheck(prior: priors[$0], geometry: geometry.levels[$0]) }
    }

    init(_ model: Model, levels: [Int], fingerprints: [Int: String]) {
        self.init(
            name: model.name, geometry: model.geometry, priors: model.hyperparameters.priors,
            labellers: model.labellers, codes: model.hyperparameters.vqvae.codes, levels: levels,
            fingerprints: fingerprints)
    }
}

/// A clock that nobody sets.
enum SteadyClock {
    private static let start = ContinuousClock.now

    static let time: @Sendable () -> Duration = { start.duration(to: .now) }
}
