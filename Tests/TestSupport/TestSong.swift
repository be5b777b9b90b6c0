package import Foundation

/// A song that tests ask for.
package struct TestSong: Sendable, Hashable {
    package var model: String
    package var seconds: Double
    package var seed: UInt64
    package var samples: Int
    package var other: [String]

    package init(model: String, seconds: Double, seed: UInt64, samples: Int = 1, other: [String] = []) {
        self.model = model
        self.seconds = seconds
        self.seed = seed
        self.samples = samples
        self.other = other
    }

    /// Options that `sample` and `submit` share.
    package var options: [String] {
        ["--model", model, "--seconds", "\(seconds)", "--seed", "\(seed)", "--samples", "\(samples)"] + other
    }

    /// What one undisturbed process makes of it: the oracle. Made once a run.
    package func undisturbed() async throws -> SongResult { try await Oracle.shared.result(of: self) }
}

/// The tokens of a finished song's folder.
package struct SongResult: Sendable, Equatable {
    /// Of `song.json`: `z0`, `z1` …
    package var digests: [String: String]
    /// `codes.safetensors`, byte for byte.
    package var codes: Data

    /// `codes.safetensors`, read.
    private let tensors: Safetensors

    package static func == (left: SongResult, right: SongResult) -> Bool {
        left.digests == right.digests && left.codes == right.codes
    }

    package init(folder: String) throws {
        let json = try SongResult.json(folder)
        guard let digests = json["digests"] as? [String: String], !digests.isEmpty else {
            throw TestSupportError("\(folder)/song.json has no digests")
        }
        self.digests = digests
        codes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/codes.safetensors"))
        tensors = try Safetensors("\(folder)/codes.safetensors")
    }

    /// The tokens of one level, [sample][token].
    package func tokens(level: Int) throws -> [[Int]] { try tensors.rows("z\(level)") }

    /// `song.json` of a folder.
    package static func json(_ folder: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/song.json"))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }
}

/// Runs of `orchestrion sample`, each made once.
private actor Oracle {
    static let shared = Oracle()
    private var results: [TestSong: Task<SongResult, any Error>] = [:]

    func result(of song: TestSong) async throws -> SongResult {
        if let known = results[song] { return try await known.value }
        let task = Task {
            let folder = try TestFolder.place("oracle")
            try await Orchestrion.succeed(
                ["sample", "--out", folder, "--threads", "2"] + song.options, limit: .seconds(300))
            return try SongResult(folder: folder)
        }
        results[song] = task
        return try await task.value
    }
}
