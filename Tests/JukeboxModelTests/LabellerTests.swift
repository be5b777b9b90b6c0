import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongPlan
import Testing

@Suite struct LabellerTests {
    @Test(arguments: Fixture.originals)
    func `label vectors are the original's, at the song's start and at every window it was run on`(_ fixture: Fixture)
        throws
    {
        let model = try fixture.model()
        let scenario = try fixture.scenario()
        var compared = 0
        for level in model.labellers.indices where model.labellers[level].prior.labels {
            let labeller = model.labellers[level]
            let songs = try scenario.specifications.map {
                try labeller.labels($0, defaultTotal: scenario.sample_length)
            }
            #expect(try songs.map { labeller.vector($0, start: 0) } == fixture.integers("labels.y\(level)"))
            let prefix = "forward.level_\(level).start_"
            for name in try fixture.expected().names where name.hasPrefix(prefix) && name.hasSuffix(".y") {
                let start = try #require(Int(name.dropFirst(prefix.count).dropLast(2)))
                #expect(try songs.map { labeller.vector($0, start: start) } == fixture.integers(name), "\(name)")
                compared += 1
            }
        }
        #expect(compared == (fixture == .twoLevel ? 0 : fixture == .noLyrics ? 5 : 6))
    }

    @Test func `a model without labels has an empty vector, and takes any names`() throws {
        let labeller = try Fixture.twoLevel.model().labellers[1]
        let labels = try labeller.labels(.init(artist: "x", genre: "y", lyrics: "z", artistID: 99), defaultTotal: 77)
        #expect(labels == SongLabels(totalLength: 77, offset: 0, artist: 0, genres: [], lyrics: []))
        #expect(labeller.vector(labels, start: 3).isEmpty)
    }

    @Test(arguments: [(Fixture.lyricsSingle, Fixture.hfLyricsSingle), (.noLyrics, .hfNoLyrics)])
    func `Hugging Face form gives the same labels`(_ one: Fixture, _ other: Fixture) throws {
        let scenario = try one.scenario()
        let (a, b) = (try one.model().labellers, try other.model().labellers)
        for (left, right) in zip(a, b) {
            for song in scenario.specifications {
                let labels = try left.labels(song, defaultTotal: 1)
                #expect(try right.labels(song, defaultTotal: 1) == labels)
                #expect(right.vector(labels, start: 16) == left.vector(labels, start: 16))
            }
        }
    }

    @Test func `ids win over names, and defaults are id 0 and the song's own length`() throws {
        let labeller = try Fixture.noLyrics.model().labellers[0]
        let both = try labeller.labels(
            .init(artist: "Kenny G", genre: "Jazz", artistID: 5, genreIDs: [1, 2, 3]), defaultTotal: 10)
        #expect(both.artist == 5 && both.genres == [1, 2, 3])
        let none = try labeller.labels(.init(), defaultTotal: 10)
        #expect(none == SongLabels(totalLength: 10, offset: 0, artist: 0, genres: [0], lyrics: []))
        #expect(labeller.vector(none, start: 2) == [10, 16, 2048, 0, 0, -1, -1, -1, -1])
        let empty = try labeller.labels(.init(genreIDs: []), defaultTotal: 10)
        #expect(labeller.vector(empty, start: 0).suffix(5) == [-1, -1, -1, -1, -1])
    }

    @Test func `what a model cannot express is an error that names it`() throws {
        let labellers = try Fixture.lyricsSingle.model().labellers
        func text(_ level: Int, _ sample: SampleSpecification) -> String {
            errorText { _ = try labellers[level].labels(sample, defaultTotal: 1) }
        }
        #expect(text(0, .init(genre: "a b c d e f")).contains("at most 5 genres; got 6 in \"a b c d e f\""))
        #expect(text(0, .init(genreIDs: [1, 2, 3, 4, 5, 6])).contains("at most 5 genres; got 6"))
        #expect(text(2, .init(genreIDs: [1, 2])).contains("level 2 takes at most 1 genres"))
        #expect(text(0, .init(artistID: 160)).contains("artist id 160 is not below the 160 of level 0"))
        #expect(text(0, .init(artistID: -1)).contains("artist id -1"))
        #expect(text(0, .init(genreIDs: [120])).contains("genre id 120 is not below the 120 of level 0"))
        #expect(text(0, .init(genreIDs: [-1])).contains("genre id -1"))
        #expect(text(2, .init(genreIDs: [604])).contains("604 of level 2"))
        #expect(text(0, .init(artistID: .max)).contains("artist id"))
        #expect(throws: Never.self) { try labellers[2].labels(.init(artistID: 159, genreIDs: [603]), defaultTotal: 1) }
    }

    // MARK: lyric windows

    /// A labeller with `slots` lyric slots and windows of 1000 audio samples.
    private func labeller(slots: Int) throws -> Labeller {
        var prior = try Fixture.lyricsEncDec.model().hyperparameters.priors[2]
        prior.lyricLength = slots
        prior.windowLength = 10
        return Labeller(prior: prior, samplesPerToken: 100, names: NameLists(v3: false))
    }

    private func labels(_ count: Int, total: Int = 10_000, offset: Int = 0) -> SongLabels {
        SongLabels(totalLength: total, offset: offset, artist: 0, genres: [0], lyrics: Array(1..<count + 1))
    }

    @Test func `short lyrics are padded on the left`() throws {
        let labeller = try labeller(slots: 6)
        let window = labeller.lyricWindow(labels(4), start: 50)
        #expect(window.tokens == [0, 0, 1, 2, 3, 4])
        #expect(window.indices == [-1, -1, 0, 1, 2, 3])
        let none = labeller.lyricWindow(labels(0), start: 50)
        #expect(none.tokens == [0, 0, 0, 0, 0, 0])
        #expect(none.indices == [-1, -1, -1, -1, -1, -1])
    }

    @Test(arguments: [0, 10, 45, 95, 400])
    func `lyrics of exactly the slots are there whole, at every start`(_ start: Int) throws {
        for slots in [5, 6] {
            let window = try labeller(slots: slots).lyricWindow(labels(slots), start: start)
            #expect(window.tokens == Array(1...slots) && window.indices == Array(0..<slots))
        }
    }

    @Test func `a window of long lyrics is centred on its share of the song, and stays inside`() throws {
        let labeller = try labeller(slots: 6)
        func first(_ start: Int, total: Int = 10_000, offset: Int = 0) -> Int {
            let window = labeller.lyricWindow(labels(100, total: total, offset: offset), start: start)
            #expect(window.tokens == window.indices.map { $0 + 1 })
            #expect(window.indices == Array(window.indices[0]..<window.indices[0] + 6))
            return window.indices[0]
        }
        // The middle of the window at token s is at 100 s + 500 samples, of 10,000: character s + 5.
        #expect(first(0) == 2)
        #expect(first(20) == 22)
        #expect(first(90) == 92)
        #expect(first(0, offset: 2_000) == 22)
        #expect(first(0, total: 1_000_000) == 0)
        #expect(first(93) == 94)
        #expect(first(500) == 94)
        // A total length that is shorter than the window.
        #expect(first(0, total: 400) == 94)
        #expect(first(0, total: 1) == 94)
    }

    @Test(arguments: [0, 3, 50, 94, 99, 1000])
    func `an odd number of slots is filled as well, at both ends`(_ start: Int) throws {
        for slots in [1, 3, 7] {
            let window = try labeller(slots: slots).lyricWindow(labels(100), start: start)
            #expect(window.tokens.count == slots && window.indices.count == slots)
            #expect(window.tokens == window.indices.map { $0 + 1 })
        }
    }

    @Test func `the label vector always has the same length`() throws {
        for slots in [0, 1, 6, 7] {
            let labeller = try labeller(slots: slots)
            for count in [0, 1, slots, slots + 1, 500] {
                for start in [0, 40, 95, 10_000] {
                    #expect(labeller.vector(labels(count), start: start).count == 4 + 5 + slots)
                }
            }
        }
    }
}
