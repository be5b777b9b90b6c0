import Checkpoint
import Foundation
package import JukeboxModel
import ModelTestSupport
import Synchronization

/// A level of a small model whose windows a backend must compute: one of those that together have every attention
/// pattern, lyrics in both forms and none, labels and none, and the level above and none.
package enum ConformanceModel: String, CaseIterable, Sendable {
    /// Every position sees all before it.
    case dense
    /// A lyric encoder that every tenth layer attends to; scaled residuals.
    case everyTenth
    /// Lyrics in the music's own sequence and vocabulary; layers that see those alone.
    case lyricsInSequence
    /// A lyric encoder as in the published 5B model.
    case lyricsEncoded
    /// Merged decoder.
    case merged
    /// Conditioned on the level above.
    case upsampler
    /// The same with dilated convolutions of another depth, and without labels.
    case unlabelledUpsampler
    case unlabelledTop

    private var source: (fixture: Fixture?, custom: CustomPrior?, level: Int) {
        switch self {
        case .dense: (nil, .dense, 2)
        case .everyTenth: (nil, .everyTenth, 2)
        case .lyricsInSequence: (.lyricsSingle, nil, 2)
        case .lyricsEncoded: (.lyricsEncDec, nil, 2)
        case .merged: (.noLyrics, nil, 2)
        case .upsampler: (.lyricsEncDec, nil, 0)
        case .unlabelledUpsampler: (.twoLevel, nil, 0)
        case .unlabelledTop: (.twoLevel, nil, 1)
        }
    }

    package var level: Int { source.level }

    /// Folders of models that tests write, which live as long as the process.
    private static let written = Mutex<[ConformanceModel: (folder: TemporaryFolder, path: String)]>([:])

    package func model(_ profile: NumericProfile) throws -> Model {
        if let fixture = source.fixture { return try Model(path: fixture.folder.path, profile: profile) }
        let path = try Self.written.withLock { written in
            if let known = written[self] { return known.path }
            let folder = try TemporaryFolder()
            let path = try (source.custom ?? .dense).model(in: folder).folder.path
            written[self] = (folder, path)
            return path
        }
        return try Model(path: path, profile: profile)
    }

    /// The patterns of all layers.
    package func patterns() throws -> Set<AttentionPattern> {
        let model = try model(.f32)
        let shape = model.hyperparameters.priors[level].transformer(codes: model.hyperparameters.vqvae.codes)
        return Set((0..<shape.depth).map(shape.pattern(layer:)))
    }
}

/// A model in a profile, with windows of it and the tokens that they must get.
package struct ConformanceCase: Sendable, Hashable, CustomStringConvertible {
    package let kind: ConformanceModel
    package let profile: NumericProfile

    package init(_ kind: ConformanceModel, _ profile: NumericProfile) {
        self.kind = kind
        self.profile = profile
    }

    package static let all: [ConformanceCase] = ConformanceModel.allCases.flatMap { kind in
        NumericProfile.allCases.map { ConformanceCase(kind, $0) }
    }

    package var description: String { "\(kind), \(profile.name)" }

    package var level: Int { kind.level }

    package func model() throws -> Model { try kind.model(profile) }
}
