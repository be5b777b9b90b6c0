import Checkpoint
package import Foundation
import SystemErrors

/// Writes models of random weights in our own layout: for tests and benchmarks of any size.
package enum ModelWriter {
    /// Writes `vqvae.safetensors`, `prior_level_N.safetensors` and `hparams.json`.
    ///
    /// - Parameters:
    ///   - json: the content of `hparams.json`.
    ///   - levels: priors to write; nil writes all of them and the VQ-VAE.
    ///   - progress: bytes written, and of how many.
    /// - Throws: `SystemError` when the folder cannot be written.
    package static func write(
        _ hyperparameters: Hyperparameters, json: Data, seed: UInt64, folder: URL, levels: Set<Int>? = nil,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        try OutputFolder.make(folder.path)
        var parts = levels == nil ? [("vqvae", WeightTable.vqvae(hyperparameters.vqvae), false)] : []
        for (level, prior) in hyperparameters.priors.enumerated() where levels?.contains(level) != false {
            let table = WeightTable.prior(prior, vqvae: hyperparameters.vqvae).filter {
                !($0.optional && $0.name.hasSuffix("x_out.weight"))
            }
            parts.append(("prior_level_\(level)", table, prior.halfPrecision))
        }
        let total = parts.reduce(0) { sum, part in
            sum + part.1.reduce(0) { $0 + $1.count * $1.type(half: part.2).size }
        }
        var written = 0
        for (index, part) in parts.enumerated() {
            var random = RandomWeights(seed: seed, stream: UInt32(index))
            let entries = part.1.map {
                SafetensorsWriter.Entry(name: $0.name, type: $0.type(half: part.2), shape: $0.shape)
            }
            let writer = try SafetensorsWriter(
                path: folder.appendingPathComponent("\(part.0).safetensors").path, entries: entries,
                metadata: ["made-by": "orchestrion model init", "seed": "\(seed)"])
            for (wanted, entry) in zip(part.1, entries) {
                var left = wanted.shape.reduce(1, *)
                while left > 0 {
                    let count = min(left, 1 << 20)
                    let bytes = random.fill(count: count, wanted.initial, type: entry.type)
                    try bytes.withUnsafeBytes { try writer.write($0, to: entry.name) }
                    written += bytes.count
                    left -= count
                    progress(written, total)
                }
            }
            try writer.finish()
        }
        try OutputFile.replace(folder.appendingPathComponent("hparams.json").path, with: json)
    }
}
