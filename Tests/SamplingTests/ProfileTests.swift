import Foundation
import JukeboxModel
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// What float16 and int8 cost on a trained model.
@Suite struct ProfileTests {
    private struct Quality {
        var bits: Double
        /// Mean divergence of the next token's distribution from float32's, in bits.
        var divergence: Double
    }

    @Test("Float16 and int8 predict music-box's own songs as well as float32 does")
    func musicBox() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/MusicBox/music-box")
        let model = try Model(path: folder.path, profile: .f32)
        let team = ThreadTeam(threads: 2)
        // Over all levels and some genres: where a song begins as its label's songs all do, a level's bits are near
        // 0, and so would be what is allowed.
        var wantedBits = 0.0
        var sums: [NumericProfile: Quality] = [:]
        for genre in ["bossa", "rock", "techno", "waltz"] {
            var above: [UInt16]?
            for level in model.geometry.levels.indices.reversed() {
                let prior = try model.prior(level: level)
                let labels = model.labellers[level].vector(
                    try model.labellers[level].labels(
                        SampleSpecification(
                            artist: "mira_sol", genre: genre, lyrics: "moon summer sky blue\nriver of golden light"),
                        defaultTotal: 20 * model.geometry.sampleRate), start: 0)
                let music = try sample(prior, labels: labels, above: above, count: 640, team: team)
                let wanted = prior.logits(labels: labels, above: above, music: music, team: team)
                let bits = prior.bits(wanted, music: music)
                for profile in [NumericProfile.f16, .int8] {
                    let other = try model.prior(level: level, profile: profile)
                    let logits = other.logits(labels: labels, above: above, music: music, team: team)
                    let quality = Quality(
                        bits: other.bits(logits, music: music),
                        divergence: divergence(wanted, logits, vocabulary: prior.shape.vocabulary))
                    print("\(genre), level \(level) \(profile): \(bits) bits a token become \(quality)")
                    sums[profile, default: Quality(bits: 0, divergence: 0)].bits += quality.bits
                    sums[profile, default: Quality(bits: 0, divergence: 0)].divergence += quality.divergence
                }
                wantedBits += bits
                above = music
            }
        }
        for (profile, sum) in sums {
            let allowed = profile == .f16 ? 0.0005 : 0.005
            #expect(abs(sum.bits / wantedBits - 1) < allowed, "\(profile): \(wantedBits) become \(sum)")
            #expect(sum.divergence < allowed * wantedBits, "\(profile): \(sum)")
        }
        #expect(sums.count == 2)
    }

    private func sample(
        _ prior: Prior, labels: [Int], above: [UInt16]?, count: Int, team: ThreadTeam
    ) throws -> [UInt16] {
        let engine = SamplingEngine(prior: prior, rows: prior.blockLength, team: team)
        let window = ActiveWindow(
            prior: prior, labels: labels, above: above, start: 0, tokens: [],
            draw: TokenDraw(
                seed: 7, sample: 0, level: prior.hyperparameters.level, filter: Filter(temperature: 1)), team: team)
        var tokens: [UInt16] = []
        while tokens.count < count {
            switch engine.step([(window, min(window.pendingRows, window.rowsToBlockEnd))])[0] {
            case .pending: break
            case .token(let token): tokens.append(token)
            case .failed(let reason): throw SamplingError(description: reason)
            }
        }
        return tokens
    }

    private func divergence(_ wanted: [Float], _ ours: [Float], vocabulary: Int) -> Double {
        func logarithms(_ row: ArraySlice<Float>) -> [Double] {
            let largest = Double(row.max() ?? 0)
            let sum = log(row.reduce(0) { $0 + exp(Double($1) - largest) }) + largest
            return row.map { Double($0) - sum }
        }
        var total = 0.0
        for begin in stride(from: 0, to: wanted.count, by: vocabulary) {
            let p = logarithms(wanted[begin..<begin + vocabulary]), q = logarithms(ours[begin..<begin + vocabulary])
            total += zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        }
        return total / log(2) / Double(wanted.count / vocabulary)
    }
}
