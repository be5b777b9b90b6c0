import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport

/// What says how a model is built.
enum ModelInputs {
    static func hyperparameters(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try model(Fixture.twoLevel, "hparams.json", bytes)
    }

    static func configuration(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try model(Fixture.hfNoLyrics, "config.json", bytes)
    }

    private static func model(_ fixture: Fixture, _ name: String, _ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        do {
            try ScratchFile.replacing(name, of: fixture.folder.path, with: bytes) { folder in
                let model = try Model(path: folder)
                // Shapes are compared with those of the weights.
                _ = try model.fingerprints()
            }
            return .taken
        } catch let error as BrokenPromise {
            throw error
        } catch {
            guard "\(error)".utf8.count <= 10_000 else { throw BrokenPromise("an error without end") }
            return .refused
        }
    }
}
