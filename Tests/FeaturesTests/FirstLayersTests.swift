import Checkpoint
import Features
import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// First layers alone give the bits of the whole prior, whatever is beside them.
@Suite struct FirstLayersTests {
    private static let tokens: [UInt16] = (0..<50).map { UInt16($0 * 7 % 120) }

    private func bits(
        _ prior: Prior, _ model: Model, layers: Set<Int>, others: Int = 0, threads: Int = 1
    ) -> [Int: [Float]] {
        let labels = FeatureGeometry(model).fixedLabels
        var windows = [ActivationWindow(labels: labels, tokens: Self.tokens)]
        for index in 0..<others {
            windows.append(ActivationWindow(labels: labels, tokens: Array(Self.tokens.dropFirst(index + 1))))
        }
        let found = prior.activations(of: windows, layers: layers, team: ThreadTeam(threads: threads)) ?? []
        return found[0].layers.mapValues { Array($0.elements) }
    }

    @Test(arguments: [Fixture.noLyrics, .lyricsEncDec, .lyricsSingle], NumericProfile.allCases)
    func `a layer does not depend on how many are loaded, on threads or on windows beside it`(
        _ fixture: Fixture, _ profile: NumericProfile
    ) throws {
        let model = try Model(path: fixture.folder.path, profile: profile)
        let depth = model.hyperparameters.priors[2].depth
        let whole = bits(try model.prior(level: 2), model, layers: [0, 1, 4, depth])
        let few = bits(try model.prior(level: 2, firstLayers: 4), model, layers: [0, 1, 4])
        for layer in [0, 1, 4] { #expect(sameBits(whole[layer] ?? [], few[layer] ?? [.nan])) }
        let beside = bits(try model.prior(level: 2), model, layers: [depth], others: 2, threads: 3)
        #expect(sameBits(whole[depth] ?? [], beside[depth] ?? [.nan]))
    }

    @Test func `tensors of later layers are not needed, nor those of a lyric encoder that is not read`() throws {
        let model = try Fixture.lyricsEncDec.model()
        let (h, vqvae) = (model.hyperparameters.priors[2], model.hyperparameters.vqvae)
        let names = { (count: Int) in Set(WeightTable.prior(h, vqvae: vqvae, firstLayers: count).map(\.name)) }
        #expect(names(18).allSatisfy { !$0.hasPrefix("prime_") && !$0.contains("_attn_mods.18.") })
        #expect(names(19).contains { $0.hasPrefix("prime_") } && !names(19).contains("prior.x_out.weight"))
    }

    @Test func `a change in a later layer changes nothing, in a first one the fingerprint`() throws {
        let model = try Fixture.noLyrics.model()
        let first = try model.identity(level: 2, firstLayers: 4).fingerprint
        #expect(try first != model.identity(level: 2, firstLayers: 5).fingerprint)
        #expect(try first != model.identity(level: 2).fingerprint)
        #expect(try first == model.identity(level: 2, firstLayers: 4, isFresh: true).fingerprint)
    }
}
