import Checkpoint
import Features
import JukeboxModel
import SongPlan

extension Verification {
    /// Outputs of layers, and what embed makes of them.
    ///
    /// - Parameter oracle: the original's, of the first sample of `audio.in`.
    func checkFeatures(_ oracle: Checkpoint) throws {
        guard let (shape, audio) = try tensor("audio.in"), let length = shape.last else {
            throw VerifyError("the expectations have no audio.in, which features are made of")
        }
        let top = model.geometry.top
        let labels = try songLabels(level: top)[0]
        let verification = try FeatureVerification(
            model: model, oracle: oracle, audio: Array(audio.prefix(length)),
            scenarioLabels: model.labellers[top].vector(labels, start: 0), team: team)
        try verification.run { name, numbers in
            switch numbers {
            case .whole(let ours, let theirs): compare("features.\(name)", ours, theirs)
            case .real(let ours, let theirs, let tolerance):
                compare("features.\(name)", ours, theirs, tolerance: tolerance)
            }
        }
    }
}
