package import JukeboxModel
package import Tensor

/// Measures a VQ-VAE against real time.
package struct CodecBenchmark {
    private let vqvae: VQVAE
    private let team: ThreadTeam
    private let seconds: Double

    package init(vqvae: VQVAE, team: ThreadTeam, quick: Bool) {
        (self.vqvae, self.team) = (vqvae, team)
        seconds = quick ? 4 : 20
    }

    package func decode(level: Int) -> Figure {
        let h = vqvae.hyperparameters
        let count = Int(seconds * Double(h.sampleRate)) / h.samplesPerToken[level]
        let tokens = (0..<count).map { UInt16($0 * 7919 % h.codes) }
        let time = Stopwatch(runs: 3, seconds: 0).median { vqvae.decode(tokens, level: level, team: team) { _ in } }
        return figure("decode", level, time, goal: level == 0 ? 5 : nil)
    }

    package func encode(level: Int) -> Figure {
        let h = vqvae.hyperparameters
        let unit = h.samplesPerToken[level]
        let count = Int(seconds * Double(h.sampleRate)) / unit * unit
        var state: UInt32 = 1
        let audio = (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state)) / 4e9
        }
        let time = Stopwatch(runs: 3, seconds: 0).median { _ = vqvae.encode(audio, level: level, team: team) }
        return figure("encode", level, time, goal: level == 0 ? 3 : nil)
    }

    private func figure(_ what: String, _ level: Int, _ time: Double, goal: Double?) -> Figure {
        Figure("VQ-VAE", "\(what) level \(level)", seconds / time, "× real time", goal: goal)
    }
}
