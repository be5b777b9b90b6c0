import Foundation
import SongPlan
import SystemErrors

/// `scenario.json`: how the original was run to get the numbers in `expected.safetensors`.
struct Scenario: Decodable {
    struct Meta: Decodable {
        var artist: String?
        var genre: String?
        var lyrics: String?
        var totalLength: Int
        var offset: Int

        enum CodingKeys: String, CodingKey {
            case artist, genre, lyrics
            case totalLength = "total_length"
            case offset
        }
    }
    struct SamplingOptions: Decodable {
        var temp: Double?
        var topK: Int?
        var topP: Double?

        enum CodingKeys: String, CodingKey {
            case temp
            case topK = "top_k"
            case topP = "top_p"
        }
    }

    var samples: Int
    var sampleLength: Int
    var hop: [Double]
    var metas: [Meta]
    var fullTokens: [[Int]]?
    var windowStarts: [String: [Int]]?
    var sampling: SamplingOptions?

    enum CodingKeys: String, CodingKey {
        case samples = "n_samples"
        case sampleLength = "sample_length"
        case hop, metas
        case fullTokens = "full_tokens"
        case windowStarts = "window_starts"
        case sampling
    }

    init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw VerifyError("there is no \(path); name the scenario with --scenario")
        }
        do {
            self = try JSONDecoder().decode(Scenario.self, from: data)
        } catch {
            throw VerifyError("\(path) is not a scenario: \(error.explanation)")
        }
    }

    var specifications: [SampleSpecification] {
        (0..<samples).map { index in
            let meta = metas[index % metas.count]
            return SampleSpecification(
                artist: meta.artist, genre: meta.genre, lyrics: meta.lyrics, totalLength: meta.totalLength,
                offset: meta.offset)
        }
    }
}

struct VerifyError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
