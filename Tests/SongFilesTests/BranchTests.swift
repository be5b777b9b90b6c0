import Foundation
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

/// What a branch keeps, and what it is refused for.
@Suite struct BranchTests {
    /// A song of 100 top-level tokens of 128 audio samples, at 1,280 Hz: ten a second.
    private static let codes: [[[Int]]] = [16, 4, 1].map { ratio in
        (0..<2).map { sample in (0..<100 * ratio).map { ($0 * 7 + sample) % 2048 } }
    }

    private static func parent(_ change: (inout SongSpecification) -> Void = { _ in }) -> SongSpecification {
        Make.song { song in
            song.sampleLength = 12_800
            song.seed = 5
            song.samples = [SampleSpecification(artist: "a", genre: "g", lyrics: "l"), SampleSpecification(genre: "h")]
            change(&song)
        }
    }

    private static func branch(
        _ operation: BranchOperation, of parent: SongSpecification = parent(), _ change: (inout BranchRequest) -> Void
    ) throws -> Branch {
        var request = BranchRequest(operation)
        change(&request)
        return try Branch(request, of: parent, id: "p", codes: codes, sampleRate: 1280, chance: 99)
    }

    @Test func `go-on keeps all levels up to a place, for each variation, and has another seed`() throws {
        let branch = try Self.branch(.goOn) {
            ($0.samples, $0.at, $0.seconds, $0.variations) = ([1], 3.05, 2, 3)
            $0.lyrics = "new"
        }
        #expect(branch.codes.map(\.count) == [3, 3, 3])
        for (level, ratio) in [16, 4, 1].enumerated() {
            #expect(branch.codes[level].allSatisfy { $0 == Array(Self.codes[level][1][..<(30 * ratio)]) })
        }
        let song = branch.specification
        #expect(song.sampleLength == 50 * 128 && song.mode == .continue && song.seed == 99)
        #expect(song.samples == Array(repeating: SampleSpecification(genre: "h", lyrics: "new"), count: 3))
        #expect(song.parent?.samples == [1] && song.parent?.from == 0 && song.parent?.to == 30)
        #expect(branch.ancestry == [Self.parent()])
    }

    @Test func `vary is as long as its parent, cut is what it keeps, upsample keeps the top level with its numbers`()
        throws
    {
        let varied = try Self.branch(.vary) { $0.at = 5 }
        #expect(varied.specification.sampleLength == 12_800 && varied.codes[0][0].count == 800)
        let cut = try Self.branch(.cut) { ($0.from, $0.to) = (2, 4.5) }
        #expect(cut.specification.sampleLength == 25 * 128 && cut.codes[2][0] == Array(Self.codes[2][0][20..<45]))
        #expect(cut.specification.samples[0].offset == nil && cut.specification.samples[0].totalLength == nil)
        let up = try Self.branch(.upsample) { $0.samples = [1] }
        #expect(up.codes[0] == [[]] && up.codes[2] == [Self.codes[2][1]])
        #expect(up.specification.samples.map(\.number) == [1] && up.specification.seed == 5)
        #expect(up.specification.mode == .upsample && up.specification.stopAt == 0)
    }

    @Test func `a sketch's branches keep the top level alone`() throws {
        let branch = try Self.branch(.goOn, of: Self.parent { $0.stopAt = 2 }) { $0.seconds = 1 }
        #expect(branch.codes.map { $0[0].count } == [0, 0, 100] && branch.specification.stopAt == 2)
    }

    /// A request that cannot be.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var operation: BranchOperation
        var words: String
        var change: @Sendable (inout BranchRequest) -> Void

        init(_ operation: BranchOperation, _ words: String, _ change: @escaping @Sendable (inout BranchRequest) -> Void)
        {
            (self.operation, self.words, self.change) = (operation, words, change)
        }

        var testDescription: String { "\(operation): \(words)" }
    }

    @Test(arguments: [
        Wrong(.goOn, "it must be at least one") { $0.seconds = 0 },
        Wrong(.goOn, "nothing of the song is kept") { $0.at = 0 },
        Wrong(.goOn, "the song has 10.0 s") { $0.at = 12 },
        Wrong(.vary, "nothing is left to vary") { $0.at = 10 },
        Wrong(.vary, "seconds has no meaning") { $0.seconds = 3 },
        Wrong(.cut, "nothing between") { ($0.from, $0.to) = (4, 4) },
        Wrong(.cut, "variations") { $0.variations = 2 },
        Wrong(.upsample, "at has no meaning") { $0.at = 3 },
        Wrong(.upsample, "2 is not a sample") { $0.samples = [2] },
        Wrong(.goOn, "keeps one sample") { $0.samples = [0, 1] },
        Wrong(.upsample, "takes three") { $0.stereo = ["a"] },
        Wrong(.goOn, "1 to 256") { $0.variations = 0 },
        Wrong(.vary, "is not a level") { ($0.at, $0.stopAt) = (1, 3) },
        Wrong(.goOn, "0 to 3600") { $0.seconds = .infinity },
    ])
    func `what cannot be is refused in words`(_ wrong: Wrong) {
        #expect {
            try Self.branch(wrong.operation, wrong.change)
        } throws: {
            "\($0)".contains(wrong.words)
        }
    }

    @Test func `the steps to a branch are made with nothing but what is kept, under the same numbers`() throws {
        let first = try Self.branch(.vary) { ($0.samples, $0.at, $0.variations) = ([1], 5, 4) }
        var middle = first.specification
        middle.ancestry = first.ancestry
        let second = try Branch(
            {
                var request = BranchRequest(.upsample)
                request.samples = [3, 1]
                return request
            }(), of: middle, id: "m", codes: Self.codes.map { [$0[0], $0[1], $0[0], $0[1]] }, sampleRate: 1280,
            chance: 1)
        var leaf = second.specification
        leaf.ancestry = second.ancestry
        #expect(leaf.ancestry?.count == 2)
        let steps = try Ancestry.steps(to: leaf)
        #expect(steps.map { $0.samples.map { $0.number } } == [[1], [3, 1], [3, 1]])
        #expect(steps.map(\.stopAt) == [0, 2, 0])
        #expect(steps.map { $0.parent?.samples } == [nil, [0], [0, 1]])
        #expect(steps.allSatisfy { $0.ancestry == nil })
    }

    @Test func `a file of codes carries the ancestry, and a song file checks it`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("kept.safetensors").path
        let branch = try Self.branch(.vary) { $0.at = 5 }
        try Ancestry.write(branch.codes, branch.ancestry, to: path)
        #expect(try Ancestry.read(path) == branch.ancestry)
        var song = branch.specification
        song.ancestry = branch.ancestry
        #expect(try SongSpecification(json: song.json(), source: "f") == song)
        let text = String(decoding: try song.json(), as: UTF8.self)
        for (part, other, words) in [
            ("\"to\" : 50", "\"to\" : \"x\"", "parent.to must be a whole number"),
            ("\"operation\" : \"vary\"", "\"operation\" : \"eat\"", "one of go-on"),
            ("\"seed\" : 5", "\"seed\" : -5", "ancestry.0.seed"), ("\"to\" : 50", "\"too\" : 50", "no field too"),
        ] {
            #expect(text.contains(part))
            let changed = Data(text.replacingOccurrences(of: part, with: other).utf8)
            #expect { try SongSpecification(json: changed, source: "f") } throws: { "\($0)".contains(words) }
        }
    }

    @Test func `kept codes that are others are noticed`() throws {
        let branch = try Self.branch(.vary) { $0.at = 5 }
        let origin = try #require(branch.specification.parent)
        #expect(try origin.keep(of: Self.codes, samples: 1) == branch.codes)
        var other = Self.codes
        other[1][0][3] += 1
        #expect { try origin.keep(of: other, samples: 1) } throws: { "\($0)".contains("other codes") }
        other = Self.codes
        other[2][0][99] += 1
        #expect(try origin.keep(of: other, samples: 1) == branch.codes, "what is not kept may be anything")
    }
}
