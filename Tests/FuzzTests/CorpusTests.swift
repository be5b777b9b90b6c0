import FuzzSupport
import Testing

/// Every input that is kept, and some thousands that are made of them by the dice.
@Suite struct CorpusTests {
    /// Seconds of computing.
    private static let slowest = 2.0

    /// Inputs a run; the expensive entries get fewer.
    private static func count(_ entry: FuzzEntry) -> Int {
        switch entry {
        case .wire: 40_000
        case .zap, .json, .allowlist: 10_000
        case .key, .pickle, .torch, .safetensors, .codes, .song, .coordinator: 3_000
        case .hparams, .config: 60
        case .audio: 600
        }
    }

    @Test(arguments: FuzzEntry.allCases)
    func `what is kept is taken in as promised`(_ entry: FuzzEntry) throws {
        let inputs = try Corpus.inputs(of: entry)
        #expect(!inputs.isEmpty)
        for input in inputs {
            let start = ThreadTime.seconds
            #expect(throws: Never.self, "\(entry.rawValue)/\(input.name)") { try entry.feed(input.bytes) }
            #expect(ThreadTime.seconds - start < Self.slowest, "\(entry.rawValue)/\(input.name)")
        }
    }

    @Test(arguments: FuzzEntry.allCases)
    func `what the dice make of it is taken in as promised`(_ entry: FuzzEntry) throws {
        var mutator = Mutator(seed: 1, corpus: try Corpus.inputs(of: entry).map(\.bytes), words: entry.words)
        for number in 0..<Self.count(entry) {
            let input = mutator.next()
            let start = ThreadTime.seconds
            #expect(throws: Never.self, "\(entry.rawValue), input \(number)") { try entry.feed(input) }
            #expect(ThreadTime.seconds - start < Self.slowest, "\(entry.rawValue), input \(number)")
        }
    }

    @Test func `the same seed makes the same inputs`() throws {
        let corpus = try Corpus.inputs(of: .json).map(\.bytes)
        func inputs(_ seed: UInt64) -> [[UInt8]] {
            var mutator = Mutator(seed: seed, corpus: corpus, words: FuzzEntry.json.words)
            return (0..<200).map { _ in mutator.next() }
        }
        #expect(inputs(3) == inputs(3) && inputs(3) != inputs(4))
    }
}
