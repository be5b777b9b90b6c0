import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

/// What of a song's labels a model cannot honour is said, and stands in the song.
struct LabelReviewTests {
    private func prepare(
        _ fixture: Fixture, _ samples: [SampleSpecification], _ mode: SongMode = .ancestral,
        _ change: (inout SongSpecification) -> Void = { _ in }
    ) throws -> PreparedSong {
        try SongPreparation.prepare(
            Make.song(mode) {
                $0.seconds = mode == .ancestral ? 1 : nil
                $0.samples = samples
                change(&$0)
            }, model: fixture.model())
    }

    @Test func `lyrics are transliterated once, and kept as they are sung`() throws {
        let song = try prepare(.lyricsSingle, [.init(lyrics: "Подмосковные вечера\n🎵 & ещё+")])
        #expect(song.specification.samples[0].lyrics == "Podmoskovnye vechera\n & eshchio+")
        #expect(song.warnings.count == 2)
        #expect(song.warnings[0] == "the lyrics were transliterated to ASCII: 'Podmoskovnye vechera & eshchio+'")
        #expect(song.warnings[1].hasPrefix("2 characters of the lyrics are not in the model's alphabet"))
        #expect(song.warnings[1].hasSuffix(": 🎵 &"))
        let again = try prepare(.lyricsSingle, song.specification.samples)
        #expect(again.labels == song.labels && again.specification.samples == song.specification.samples)
        #expect(song.labels[0][2].lyrics == LyricText(v3: true).tokenise("Podmoskovnye vechera\n  eshchio"))
    }

    @Test func `plain lyrics stay as they are, and nothing is said`() throws {
        let lyrics = "Sun, sea & sky\\don't: \"la\" (la)\r\n[x]"
        let plain = lyrics.replacingOccurrences(of: "& ", with: "")
        let song = try prepare(.lyricsSingle, [.init(lyrics: plain)])
        #expect(song.specification.samples[0].lyrics == plain && song.warnings.isEmpty)
        #expect(try prepare(.lyricsSingle, [.init(lyrics: lyrics)]).specification.samples[0].lyrics == lyrics)
        // Typographic signs are no other words.
        let typographic = try prepare(.lyricsSingle, [.init(lyrics: "don\u{2019}t \u{2014} go\u{2026}")])
        #expect(typographic.specification.samples[0].lyrics == "don't -- go..." && typographic.warnings.isEmpty)
    }

    @Test(arguments: ["🎵 🎶", "@#$%", " \n\t "])
    func `lyrics of which nothing is left are said loudly`(lyrics: String) throws {
        let song = try prepare(.lyricsSingle, [.init(lyrics: lyrics)])
        #expect(song.warnings.count == 1 && song.warnings[0].contains("NOTHING IS LEFT OF THE LYRICS"))
        #expect(song.warnings[0].contains("without words"))
    }

    @Test func `samples of different lyrics are told apart`() throws {
        let song = try prepare(.lyricsSingle, [.init(lyrics: "мир"), .init(lyrics: "la"), .init(lyrics: "☃ la")])
        #expect(song.warnings.count == 2)
        #expect(song.warnings[0].contains("the lyrics of sample 0 were transliterated to ASCII: 'mir'"))
        #expect(song.warnings[1].contains("1 character of the lyrics of sample 2 is not"))
    }

    @Test func `labels that the model has no place for are ignored aloud`() throws {
        let all = SampleSpecification(artist: "A", genre: "B", lyrics: "la", totalLength: 50_000, offset: 3)
        #expect(
            try prepare(.twoLevel, [all]).warnings
                == ["the model was trained without labels; artist, genre, lyrics, total_length and offset are ignored"])
        #expect(
            try prepare(.twoLevel, [.init(artistID: 1)]).warnings
                == ["the model was trained without labels; artist is ignored"])
        #expect(try prepare(.twoLevel, [.init()]).warnings.isEmpty)
        #expect(
            try prepare(.noLyrics, [.init(lyrics: "la")]).warnings == ["the model takes no lyrics; they are ignored"])
    }

    @Test func `a name beside an id is said to be ignored`() throws {
        let both = SampleSpecification(artist: "A", genre: "B", artistID: 1, genreIDs: [1])
        #expect(
            try prepare(.noLyrics, [both]).warnings
                == ["artist A is ignored, since artist_id is given", "genre B is ignored, since genre_ids are given"])
    }

    @Test func `lyrics of a song whose top level is kept are said to change nothing`() throws {
        let folder = try TemporaryFolder()
        let codes = folder.file("codes.safetensors").path
        try CodesFile.write([[[]], [[]], [Array(repeating: 1, count: 96)]], to: codes)
        func warnings(_ sample: SampleSpecification) throws -> [String] {
            try prepare(.lyricsSingle, [sample], .upsample) { $0.codes = codes }.warnings
        }
        #expect(try warnings(.init(lyrics: "la la")).contains { $0.contains("keeps the top level") })
        #expect(try warnings(.init()).isEmpty)
        // Sketches that are gone on with were sung with them.
        #expect(try warnings(.init(lyrics: "la la", number: 1)).isEmpty)
    }

    @Test func `names are found in other spellings, which the song keeps`() throws {
        let song = try prepare(.lyricsSingle, [.init(artist: "Kénny G", genre: " Jazz ")])
        #expect(song.labels[0].map(\.artist) == [8, 8, 88])
        #expect(song.specification.samples[0].artist == "Kenny G")
        #expect(song.warnings == ["artist Kénny G is taken as Kenny G, which the model's list has"])
    }

    @Test func `a name that stays unknown is said, and why`() throws {
        let song = try prepare(.lyricsSingle, [.init(artist: "Björk", genre: "Jazz")])
        #expect(song.warnings.contains { $0.contains("artist Björk is not in the model's v3 list") })
        #expect(song.specification.samples[0].artist == "Björk")
        let folder = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: Fixture.lyricsSingle.folder.path)
        where !name.contains("artist_ids") {
            try FileManager.default.createSymbolicLink(
                at: folder.file(name), withDestinationURL: Fixture.lyricsSingle.folder.appendingPathComponent(name))
        }
        let bare = try SongPreparation.prepare(
            Make.song {
                $0.seconds = 1
                $0.samples = [.init(artist: "Kenny G", genre: "Jazz")]
            }, model: Model(path: folder.path))
        #expect(bare.warnings.count == 2, "\(bare.warnings)")
        for version in ["v2", "v3"] {
            let words = "there is no list of artists (\(version)_artist_ids.txt) in \(folder.path)"
            #expect(bare.warnings.contains { $0.contains(words) && $0.contains("artist_id") }, "\(bare.warnings)")
        }
    }

    @Test func `a total length that ends before the song is refused with the least that does not`() throws {
        let model = try Fixture.noLyrics.model()
        func text(_ total: Int) -> String {
            errorText {
                _ = try SongPreparation.prepare(
                    Make.song {
                        $0.seconds = 4
                        $0.samples = [.init(totalLength: total, offset: 1000)]
                    }, model: model)
            }
        }
        let least = try #require(number(after: "the least that works is", in: text(88_200)))
        #expect(text(Int(least)).contains("nothing was thrown"))
        #expect(text(Int(least) - 1).contains("the least that works is"))
    }

    @Test func `codes that lie the other way round are refused`() throws {
        let folder = try TemporaryFolder()
        let codes = folder.file("codes.safetensors").path
        let row = { (count: Int) in [Array(repeating: 1, count: count)] }
        try CodesFile.write([row(4), row(16), row(64)], to: codes)
        for mode in [SongMode.upsample, .continue] {
            let text = errorText { _ = try prepare(.noLyrics, [.init()], mode) { $0.codes = codes } }
            #expect(text.contains("the other way round (4, 16, 64 tokens)") && text.contains("zs[::-1]"), "\(text)")
        }
        try CodesFile.write([row(64), row(16), row(4)], to: codes)
        #expect(
            try prepare(.noLyrics, [.init()], .continue) { $0.codes = codes }.plan.levels.map(\.known) == [64, 16, 4])
    }
}
