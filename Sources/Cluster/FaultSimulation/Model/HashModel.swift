import Foundation
import JukeboxModel
import SongPlan
import WorkerService

/// A stand-in for a model: it has a model's geometry, and its tokens are hashes of all that a model's tokens depend on. So
/// whatever is mixed up shows.
enum HashModel {
    static let name = "hash"
    static let codes = 512
    private static let lyricVocabulary = 80
    private static let genres = 8

    /// Windows of 32, 64 and 64 tokens, for songs of seconds.
    static let geometry = ModelGeometry(
        sampleRate: 100,
        levels: [
            LevelGeometry(samplesPerToken: 2, windowLength: 64, codes: codes, tokensPerUpperToken: 2),
            LevelGeometry(samplesPerToken: 4, windowLength: 64, codes: codes, tokensPerUpperToken: 4),
            LevelGeometry(samplesPerToken: 16, windowLength: 32, codes: codes, tokensPerUpperToken: nil),
        ], timing: nil)

    static let fingerprints = [0: "hash:0", 1: "hash:1", 2: "hash:2"]

    static let priors: [PriorHyperparameters] = geometry.levels.enumerated().map { level, shape in
        let json = """
            {"level": \(level), "n_ctx": \(shape.windowLength), "prior_width": 8, "prior_depth": 1, "blocks": 4,
            "y_bins": [\(genres), \(genres)], "max_bow_genre_size": 3, "use_tokens": true, "n_tokens": 6,
            "n_vocab": \(lyricVocabulary)}
            """
        do {
            return try JSONDecoder().decode(PriorHyperparameters.self, from: Data(json.utf8))
        } catch {
            preconditionFailure("the stand-in for a model has a mistake: \(error)")
        }
    }

    static let labellers = zip(priors, geometry.levels).map { prior, shape in
        Labeller(prior: prior, samplesPerToken: shape.samplesPerToken, names: NameLists(v3: false))
    }

    static let served = ServedModel(
        name: name, geometry: geometry, priors: priors, labellers: labellers, codes: codes, levels: [2, 1, 0],
        fingerprints: fingerprints)

    static func labels(_ dice: inout Dice, length: Int) -> SongLabels {
        SongLabels(
            totalLength: length, offset: 0, artist: dice.number(0...genres - 1),
            genres: (0..<dice.number(1...3)).map { _ in dice.number(0...genres - 1) },
            lyrics: (0..<dice.number(0...20)).map { _ in dice.number(0...lyricVocabulary - 1) })
    }
}

/// What a window's next token depends on: all of it, in one number.
struct WindowHash {
    private var value: UInt64

    init(
        seed: UInt64, sample: Int, level: Int, filter: Filter, labels: [Int], above: some Sequence<UInt16>, start: Int
    ) {
        value = Mixing.add(seed, to: UInt64(sample) << 8 | UInt64(level))
        value = Mixing.add(UInt64(filter.temperature.bitPattern), to: value)
        value = Mixing.add(UInt64(filter.topK) << 32 | UInt64(filter.topP.bitPattern), to: value)
        value = Mixing.add(UInt64(start), to: value)
        for label in labels { value = Mixing.add(UInt64(bitPattern: Int64(label)), to: value) }
        value = Mixing.add(0xABBA, to: value)
        for token in above { value = Mixing.add(UInt64(token), to: value) }
        value = Mixing.add(0xBEEF, to: value)
    }

    /// One more token of the window exists.
    mutating func append(_ token: UInt16) { value = Mixing.add(UInt64(token), to: value) }

    func token(at position: Int) -> UInt16 {
        UInt16(Mixing.add(UInt64(position), to: value) % UInt64(HashModel.codes))
    }
}
