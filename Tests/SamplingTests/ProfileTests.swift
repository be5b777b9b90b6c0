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

    /// A song that music-box never saw; `codes.u16` has 2,048 codes of each level of each, from 3 s on.
    private struct Song: Decodable {
        var genre: String
        var artist: String
        var lyrics: String
        /// Of audio.
        var samples: Int
    }
    private static let codes = 2048

    @Test func `Float16 and int8 predict songs that music-box never saw as well as float32 does`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        func file(_ name: String) -> URL { folder.appendingPathComponent("Tests/Fixtures/held-out-songs/" + name) }
        let songs = try JSONDecoder().decode([Song].self, from: Data(contentsOf: file("songs.json")))
        let bytes = try Data(contentsOf: file("codes.u16"))
        let model = try Model(
            path: folder.appendingPathComponent("Sources/Model/MusicBox/music-box").path, profile: .f32)
        let levels = model.geometry.levels.count
        try #require(songs.count == 6 && bytes.count == 2 * Self.codes * levels * songs.count)
        func codes(_ song: Int, _ level: Int) -> [UInt16] {
            let begin = (song * levels + level) * Self.codes
            return (begin..<begin + Self.codes).map { place -> UInt16 in
                UInt16(bytes[2 * place]) + 256 * UInt16(bytes[2 * place + 1])
            }
        }
        let team = ThreadTeam(threads: 2)
        for level in model.geometry.levels.indices {
            var wantedBits = 0.0
            var sums: [NumericProfile: Quality] = [:]
            let priors = try NumericProfile.allCases.map { try model.prior(level: level, profile: $0) }
            for (number, song) in songs.enumerated() {
                let labels = model.labellers[level].vector(
                    try model.labellers[level].labels(
                        SampleSpecification(
                            artist: song.artist, genre: song.genre, lyrics: song.lyrics, totalLength: song.samples),
                        defaultTotal: song.samples), start: 1024 << (2 * (levels - 1 - level)))
                let music = codes(number, level)
                let above = level + 1 < levels ? codes(number, level + 1) : nil
                var wanted: [Float] = []
                for (profile, prior) in zip(NumericProfile.allCases, priors) {
                    let logits = prior.logits(labels: labels, above: above, music: music, team: team)
                    if profile == .f32 {
                        wanted = logits
                        wantedBits += prior.bits(logits, music: music)
                    } else {
                        sums[profile, default: Quality(bits: 0, divergence: 0)].bits += prior.bits(logits, music: music)
                        sums[profile]!.divergence += divergence(wanted, logits, vocabulary: prior.shape.vocabulary)
                    }
                }
            }
            for (profile, sum) in sums {
                print(
                    "level \(level), \(profile): \(wantedBits / 6) bits a token become \(sum.bits / 6), "
                        + "a divergence of \(sum.divergence / 6)")
                let allowed = Self.allowed(profile) * wantedBits
                #expect(abs(sum.bits - wantedBits) < allowed, "level \(level) \(profile)")
                #expect(sum.divergence < allowed && sum.divergence > 0, "level \(level) \(profile)")
            }
            #expect(sums.count == NumericProfile.allCases.count - 1)
        }
    }

    /// As a share of float32's bits.
    private static func allowed(_ profile: NumericProfile) -> Double {
        switch profile {
        case .f32: 0
        case .f16: 0.0005
        case .int8: 0.005
        }
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
