import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Tensor
import Testing

/// What a request becomes, in each mode.
@Suite struct SongModeTests {
    private let model: Model
    private let folder: TemporaryFolder
    private let team = ThreadTeam(threads: 1)

    init() throws {
        model = try Fixture.lyricsSingle.model()
        folder = try TemporaryFolder()
    }

    private func prepare(_ song: SongSpecification) throws -> PreparedSong {
        try SongPreparation.prepare(song, model: model)
    }

    private func isNothing(_ song: PreparedSong) -> Bool { if case .nothing = song.source { true } else { false } }

    @Test func `a request that says nothing is 20 seconds from nothing, with the original's settings`() throws {
        let song = try prepare(Make.song())
        #expect(song.plan.sampleLength == 20 * 44_100 / 128 * 128)
        #expect(song.hops == [128, 128, 12])
        #expect(song.filters == Array(repeating: Filter(temperature: 0.99), count: 3))
        #expect(song.labels.count == 1 && song.labels[0].count == 3)
        #expect(
            song.labels[0].allSatisfy {
                $0.totalLength == song.plan.sampleLength && $0.offset == 0 && $0.artist == 0 && $0.genres == [0]
            })
        #expect(isNothing(song) && song.warnings.isEmpty)
        #expect(song.fingerprints == (try model.fingerprints()))
        #expect(try song.knownTokens(model: model, team: team) == [[[]], [[]], [[]]])
        // The request comes back with its defaults filled in.
        #expect(song.specification.sampleLength == song.plan.sampleLength && song.specification.seconds == nil)
        #expect(song.specification.hopFraction == .each([0.5, 0.5, 0.125]))
        #expect(song.specification.fingerprints == (0...2).map { song.fingerprints[$0]! })
        // Of segments, too: what is usual may change, and the song must not.
        #expect(song.specification.segments == nil && song.specification.overlap == nil)
        let cut = try prepare(Make.song { $0.segments = .auto })
        #expect(cut.plan.cuts.count == 1 && cut.specification.segments == .count(2))
        #expect(cut.specification.overlap == Segmentation.usualOverlap)
    }

    @Test func `a model of other than three levels has hops of half a window`() throws {
        let song = try SongPreparation.prepare(Make.song { $0.seconds = 2 }, model: Fixture.twoLevel.model())
        #expect(song.hops == [128, 32])
        #expect(song.plan.sampleLength == 44_032)
    }

    @Test func `seconds are rounded down to whole top-level tokens, audio samples are exact`() throws {
        #expect(try prepare(Make.song { $0.seconds = 1 }).plan.sampleLength == 44_032)
        #expect(try prepare(Make.song { $0.seconds = 0.003 }).plan.sampleLength == 128)
        #expect(try prepare(Make.song { $0.sampleLength = 16_384 }).plan.sampleLength == 16_384)
        #expect(try prepare(Make.song { $0.sampleLength = 16_384 }).plan.levels.map(\.total) == [2048, 512, 128])
    }

    @Test func `primed: the recording's whole top-level tokens are known on all levels`() throws {
        let file = try Make.recording("a.wav", samples: 5000, in: folder)
        let song = try prepare(
            Make.song(.primed) {
                $0.prompt = [file]
                $0.sampleLength = 16_384
            })
        #expect(song.plan.levels.map(\.known) == [4992 / 8, 4992 / 32, 39])
        var shares: [Double] = []
        let known = try song.knownTokens(model: model, team: team) { shares.append($0) }
        #expect(known.map { $0.map(\.count) } == [[624], [156], [39]])
        #expect(shares == shares.sorted())
        #expect(abs(try #require(shares.last) - 1) < 1e-9)
        // Without a length, 20 seconds follow the recording.
        let longer = try prepare(Make.song(.primed) { $0.prompt = [file] })
        #expect(longer.plan.sampleLength == 4992 + 881_920)
    }

    @Test func `primed: prompt_seconds keeps the beginning`() throws {
        let file = try Make.recording("a.wav", samples: 44_100, in: folder)
        let song = try prepare(
            Make.song(.primed) {
                $0.prompt = [file]
                $0.promptSeconds = 0.1
                $0.seconds = 2
            })
        #expect(song.plan.levels.map(\.known) == [4352 / 8, 4352 / 32, 34])
        #expect(song.plan.sampleLength == 88_192)
    }

    @Test func `recordings of other rates are resampled`() throws {
        let file = try Make.recording("a.wav", samples: 24_000, rate: 48_000, in: folder)
        let song = try prepare(
            Make.song(.primed) {
                $0.prompt = [file]
                $0.seconds = 1
            })
        #expect(song.plan.levels[2].known == 22_050 / 128)
    }

    @Test func `recordings of different lengths are cut to the shortest, and go around the samples`() throws {
        let files = [
            try Make.recording("a.wav", samples: 9000, in: folder),
            try Make.recording("b.wav", samples: 5000, in: folder),
        ]
        // One description serves all recordings.
        let two = try prepare(
            Make.song(.primed) {
                $0.prompt = files
                $0.seconds = 1
            })
        #expect(two.labels.count == 2 && two.specification.samples.count == 2)
        #expect(two.plan.levels[2].known == 39)
        let tokens = try two.knownTokens(model: model, team: team)[2]
        #expect(tokens.map(\.count) == [39, 39] && tokens[0] != tokens[1])
        // Fewer recordings than samples are repeated.
        let three = try prepare(
            Make.song(.primed) {
                $0.prompt = files
                $0.seconds = 1
                $0.samples = [.init(), .init(), .init()]
            })
        #expect(try three.knownTokens(model: model, team: team)[2] == [tokens[0], tokens[1], tokens[0]])
    }

    @Test func `a recording that is named many times is read and encoded once`() throws {
        let files = [
            try Make.recording("a.wav", samples: 9000, in: folder),
            try Make.recording("b.wav", samples: 5000, in: folder),
        ]
        let song = try prepare(
            Make.song(.primed) {
                $0.prompt = (0..<64).map { files[$0 % 3 == 0 ? 0 : 1] }
                $0.seconds = 1
            })
        guard case .recordings(let audio, let bySample, _) = song.source else {
            Issue.record("the song starts from no recording")
            return
        }
        #expect(audio.count == 2 && bySample == (0..<64).map { $0 % 3 == 0 ? 0 : 1 })
        let tokens = try song.knownTokens(model: model, team: team)[2]
        #expect(tokens.count == 64 && Set(tokens).count == 2 && tokens[0] == tokens[63] && tokens[1] == tokens[62])
    }

    @Test func `upsample a recording: its top level is known, the others are sampled`() throws {
        let file = try Make.recording("a.wav", samples: 5000, in: folder)
        let song = try prepare(Make.song(.upsample) { $0.prompt = [file] })
        #expect(song.plan.sampleLength == 4992)
        #expect(song.plan.levels.map(\.known) == [0, 0, 39] && song.plan.levels[2].windows.isEmpty)
        #expect(try song.knownTokens(model: model, team: team).map { $0[0].count } == [0, 0, 39])
        let short = try prepare(
            Make.song(.upsample) {
                $0.prompt = [file]
                $0.seconds = 0.05
            })
        #expect(short.plan.sampleLength == 2205 / 128 * 128)
        let long = try prepare(
            Make.song(.upsample) {
                $0.prompt = [file]
                $0.seconds = 3
            })
        #expect(long.plan.sampleLength == 4992 && long.warnings.contains { $0.contains("shorter than asked for") })
    }

    @Test func `upsample codes: only the top level of the file counts`() throws {
        let file = folder.file("codes.safetensors").path
        try CodesFile.write([[[1, 2, 3, 4]], [[7]], [[5, 6, 7]]], to: file)
        let song = try prepare(Make.song(.upsample) { $0.codes = file })
        #expect(song.plan.sampleLength == 3 * 128)
        #expect(try song.knownTokens(model: model, team: team) == [[[]], [[]], [[5, 6, 7]]])
    }

    @Test func `continue: every level goes on from what the file has, one description serves all its samples`() throws {
        let file = folder.file("codes.safetensors").path
        let codes = [
            [Array(repeating: 1, count: 20), Array(repeating: 2, count: 20)],
            [Array(repeating: 3, count: 8), Array(repeating: 4, count: 8)], [[5, 6], [7, 8]],
        ]
        try CodesFile.write(codes, to: file)
        let longer = try prepare(
            Make.song(.continue) {
                $0.codes = file
                $0.sampleLength = 1280
            })
        #expect(longer.plan.levels.map(\.known) == [20, 8, 2])
        #expect(longer.plan.levels.map(\.total) == [160, 40, 10])
        #expect(longer.labels.count == 2)
        #expect(try longer.knownTokens(model: model, team: team).map { $0.map { $0.map(Int.init) } } == codes)
        // Without a length the levels are completed to what the longest has.
        let complete = try prepare(Make.song(.continue) { $0.codes = file })
        #expect(complete.plan.sampleLength == 256)
    }

    @Test func `stop_at leaves lower levels alone`() throws {
        let song = try prepare(
            Make.song {
                $0.sampleLength = 16_384
                $0.stopAt = 1
            })
        #expect(song.plan.stopAt == 1 && song.plan.levels[0].windows.isEmpty && !song.plan.levels[1].windows.isEmpty)
        #expect(song.plan.newTokens == 512 + 128)
    }

    @Test func `settings are one for all levels or one for each, level 0 first`() throws {
        let song = try prepare(
            Make.song {
                $0.temperature = .each([0.7, 0.8, 0.9])
                $0.topK = .each([0, 5, 0])
                $0.topP = .each([0.5, 0, 0])
                $0.hopFraction = .each([0.25, 0.5, 1])
            })
        #expect(
            song.filters == [
                Filter(temperature: 0.7, topP: 0.5), Filter(temperature: 0.8, topK: 5), Filter(temperature: 0.9),
            ])
        #expect(song.hops == [64, 128, 96])
        #expect(try prepare(Make.song { $0.hopFraction = .all(0.25) }).hops == [64, 64, 24])
    }

    @Test func `the labels' total length defaults to the song's, moved into the range the model knows`() throws {
        func totals(_ change: (inout SongSpecification) -> Void) throws -> [Int] {
            try prepare(Make.song(.ancestral, change)).labels[0].map(\.totalLength)
        }
        #expect(try totals { $0.sampleLength = 128 } == [44_100, 44_100, 44_100])
        #expect(try totals { $0.sampleLength = 88_192 } == [88_192, 88_192, 88_192])
        #expect(
            try totals {
                $0.sampleLength = 88_192
                $0.samples = [.init(offset: 44_100)]
            } == [132_292, 132_292, 132_292])
        #expect(
            try totals {
                $0.sampleLength = 88_192
                $0.samples = [.init(totalLength: 500_000)]
            } == [500_000, 500_000, 500_000])
        #expect(try totals { $0.sampleLength = 600 * 44_100 / 128 * 128 } == Array(repeating: 26_459_904, count: 3))
        #expect(
            try totals {
                $0.sampleLength = 26_400_000 / 128 * 128
                $0.samples = [.init(offset: 50_000)]
            } == Array(repeating: 26_450_000, count: 3))
    }

    @Test func `each level has its own ids: v3 names at the top, v2 below`() throws {
        let song = try prepare(Make.song { $0.samples = [.init(artist: "Kenny G", genre: "Country", lyrics: "Hi+")] })
        #expect(song.labels[0].map(\.artist) == [8, 8, 88])
        #expect(song.labels[0].map(\.genres) == [[11], [11], [507]])
        #expect(song.labels[0].map(\.lyrics.count) == [0, 0, 2])
        #expect(song.warnings.isEmpty)
    }

    @Test func `unknown names are warned of, once each`() throws {
        let sample = SampleSpecification(artist: "Nobody", genre: "Polka Jazz")
        let song = try prepare(Make.song { $0.samples = [sample, sample] })
        #expect(song.warnings.count == Set(song.warnings).count)
        for words in [
            "artist Nobody is not in the model's v2 list", "artist Nobody is not in the model's v3 list",
            "genre polka is not in the model's v2", "genre polka jazz is not in the model's v3",
        ] {
            #expect(song.warnings.contains { $0.contains(words) }, "\(words) in \(song.warnings)")
        }
        let ids = try prepare(Make.song { $0.samples = [.init(artist: "Nobody", artistID: 3)] })
        #expect(ids.warnings == ["artist Nobody is ignored, since artist_id is given"])
        let other = try SongPreparation.prepare(
            Make.song { $0.samples = [.init(lyrics: "la la")] }, model: Fixture.noLyrics.model())
        #expect(other.warnings.contains { $0.contains("no lyrics") })
    }

    @Test(arguments: SongMode.allCases)
    func `a prepared request prepares to the same song again`(_ mode: SongMode) throws {
        // 1920 audio samples turned to seconds and back would be one less.
        let file = try Make.recording("a.wav", samples: 5000, in: folder)
        let codes = folder.file("codes.safetensors").path
        try CodesFile.write([[[1, 2, 3, 4]], [[7]], [[5, 6, 7]]], to: codes)
        let first = try prepare(
            Make.song(mode) {
                $0.seed = .max
                $0.samples = [.init(artist: "Kenny G", genre: "Jazz", lyrics: "a\nb", offset: 44_100)]
                switch mode {
                case .ancestral: $0.seconds = 1.5
                case .primed:
                    $0.prompt = [file]
                    $0.promptSeconds = 0.04
                    $0.seconds = 1
                case .upsample:
                    $0.prompt = [file]
                    $0.seconds = 0.045
                case .continue:
                    $0.codes = codes
                    $0.seconds = 1
                }
            })
        if mode == .upsample { #expect(first.plan.sampleLength == 1920) }
        let text = try first.specification.json()
        let second = try prepare(SongSpecification(json: text, source: "song.json"))
        #expect(second.plan == first.plan && second.labels == first.labels && second.filters == first.filters)
        #expect(second.specification == first.specification)
        #expect(try second.knownTokens(model: model, team: team) == first.knownTokens(model: model, team: team))
    }
}
