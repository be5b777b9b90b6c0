import Checkpoint
import Features
import Foundation
import JukeboxModel
import ModelTestSupport
import Tensor
import Testing

/// Everything that the original code computed of three models: Tests/Fixtures/embeddings/README.md.
@Suite struct OracleTests {
    @Test(arguments: [Fixture.noLyrics, .lyricsEncDec, .lyricsSingle])
    func `every number of the original is met`(_ fixture: Fixture) throws {
        let oracle = try Self.oracle(fixture)
        var seen: Set<String> = []
        try Self.verification(fixture, oracle).run { name, numbers in
            seen.insert(name)
            switch numbers {
            case .whole(let ours, let theirs): #expect(ours == theirs && !theirs.isEmpty, "\(name)")
            case .real(let ours, let theirs, let tolerance):
                #expect(ours.count == theirs.count && !theirs.isEmpty, "\(name)")
                let worst = zip(ours, theirs).reduce(0.0) { max($0, Double(abs($1.0 - $1.1))) }
                #expect(worst <= tolerance, "\(name)")
            }
        }
        #expect(seen == Set(oracle.tensors.keys) && seen.count >= 36)
    }

    static func oracle(_ fixture: Fixture) throws -> Checkpoint {
        let folder = fixture.folder.deletingLastPathComponent().appendingPathComponent("embeddings")
        return try Checkpoint.open(path: folder.appendingPathComponent("\(fixture).embed.safetensors").path)
    }

    static func verification(_ fixture: Fixture, _ oracle: Checkpoint) throws -> FeatureVerification {
        let model = try fixture.model()
        let audio = try fixture.floats("audio.in")
        let labels = try model.labellers[2].labels(
            fixture.scenario().specifications[0], defaultTotal: fixture.scenario().sample_length)
        return try FeatureVerification(
            model: model, oracle: oracle, audio: Array(audio.prefix(audio.count / 2)),
            scenarioLabels: model.labellers[2].vector(labels, start: 0), team: ThreadTeam(threads: 2))
    }
}
