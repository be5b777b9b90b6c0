import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

/// Requests that cannot work: told before the first token, with the nearest that can.
@Suite struct SongErrorTests {
    private let model: Model
    private let folder: TemporaryFolder

    init() throws {
        model = try Fixture.noLyrics.model()
        folder = try TemporaryFolder()
    }

    private func text(_ song: SongSpecification) -> String {
        errorText { _ = try SongPreparation.prepare(song, model: model) }
    }

    private func works(_ song: SongSpecification) -> Bool {
        (try? SongPreparation.prepare(song, model: model)) != nil
    }

    // MARK: errors that name a value that works

    @Test(arguments: [1, 127, 129, 1000, 16_383, 26_459_903])
    func `a length that is no whole number of tokens names both neighbours`(_ length: Int) throws {
        func song(_ length: Int) -> SongSpecification { Make.song { $0.sampleLength = length } }
        let text = text(song(length))
        let below = try #require(number(after: "works: ", in: text))
        #expect(works(song(Int(below))) && abs(Int(below) - length) < 128, "\(text)")
        if let above = number(after: " or ", in: text) {
            #expect(works(song(Int(above))) && Int(above) == Int(below) + 128)
        }
    }

    @Test(arguments: [0, -128, Int.min, .max, 26_459_905, 26_460_032])
    func `lengths that are no lengths`(_ length: Int) throws {
        let song = Make.song { $0.sampleLength = length }
        #expect(
            text(song).contains(length > 0 ? "over what the model can express; the most is 26459904" : "at least 128"))
    }

    @Test(arguments: [0.0001, 0.002])
    func `seconds that are too few name the least`(_ seconds: Double) throws {
        let text = text(Make.song { $0.seconds = seconds })
        let least = try #require(number(after: "the least is", in: text))
        #expect(works(Make.song { $0.seconds = least }), "\(text)")
    }

    @Test(arguments: [0, -1, 3601, 1e300, Double.infinity, .nan])
    func `seconds that are none`(_ seconds: Double) {
        for mode in SongMode.allCases {
            #expect(text(Make.song(mode) { $0.seconds = seconds }).contains("seconds is \(seconds)"))
            #expect(text(Make.song(mode) { $0.promptSeconds = seconds }).contains("prompt_seconds is \(seconds)"))
        }
    }

    @Test(arguments: [(0, 0.001), (0, 0.51), (1, 0.013), (2, 0.001)])
    func `a hop fraction that cannot work names one that does`(_ level: Int, _ fraction: Double) throws {
        func song(_ fraction: Double) -> SongSpecification {
            var fractions = [0.5, 0.5, 0.5]
            fractions[level] = fraction
            return Make.song {
                $0.seconds = 1
                $0.hopFraction = .each(fractions)
            }
        }
        let text = text(song(fraction))
        #expect(text.contains("level \(level)"))
        let nearest = try #require(number(after: "hop_fraction", in: text))
        #expect(works(song(nearest)), "\(text)")
    }

    @Test(arguments: [0, -0.5, 1.5, .nan])
    func `a hop fraction outside 0 to 1 names the usual one`(_ fraction: Double) {
        #expect(text(Make.song { $0.hopFraction = .all(fraction) }).contains("0.5 is the usual"))
    }

    @Test(arguments: [1, 44_099, 26_460_000, 1 << 31])
    func `a total length outside the model's range names the nearest inside`(_ total: Int) throws {
        func song(_ total: Int) -> SongSpecification {
            Make.song {
                $0.seconds = 1
                $0.samples = [.init(totalLength: total)]
            }
        }
        let text = text(song(total))
        let nearest = try #require(number(after: "the nearest is", in: text))
        #expect(works(song(Int(nearest))), "\(text)")
    }

    @Test(arguments: [26_450_000, 26_460_000, 1 << 31])
    func `an offset that leads beyond the model's range names the largest`(_ offset: Int) throws {
        func song(_ offset: Int) -> SongSpecification {
            Make.song {
                $0.seconds = 2
                $0.samples = [.init(offset: offset)]
            }
        }
        let text = text(song(offset))
        let largest = try #require(number(after: "largest offset that works is", in: text))
        #expect(works(song(Int(largest))) && !works(song(Int(largest) + 1)), "\(text)")
    }

    @Test(arguments: [Int.min, -1, 1 << 32, .max])
    func `numbers that no song has are errors and not traps`(_ number: Int) throws {
        #expect(text(Make.song { $0.samples = [.init(offset: number)] }).contains("offset \(number)"))
        #expect(text(Make.song { $0.samples = [.init(totalLength: number)] }).contains("total_length \(number)"))
        #expect(text(Make.song { $0.samples = [.init(artistID: number)] }).contains("artist id \(number)"))
        #expect(text(Make.song { $0.samples = [.init(genreIDs: [number])] }).contains("genre id \(number)"))
        #expect(text(Make.song { $0.topK = .all(number) }).contains("top_k \(number)"))
        #expect(text(Make.song { $0.stopAt = number }).contains("levels are 0 to 2"))
        // A model without labels must not overflow either.
        let two = try Fixture.twoLevel.model()
        #expect(
            errorText {
                _ = try SongPreparation.prepare(Make.song { $0.samples = [.init(offset: number)] }, model: two)
            }.contains("offset \(number)"))
    }

    @Test func `a prompt that is longer than the song names the length it needs`() throws {
        let file = try Make.recording("a.wav", samples: 20_000, in: folder)
        func song(_ length: Int) -> SongSpecification {
            Make.song(.primed) {
                $0.prompt = [file]
                $0.sampleLength = length
            }
        }
        let text = text(song(1280))
        let enough = try #require(number(after: "ask for at least", in: text))
        #expect(works(song(Int(enough))), "\(text)")
    }

    @Test(arguments: [0.5, 2.0])
    func `a recording that is shorter than prompt_seconds names the most`(_ seconds: Double) throws {
        let file = try Make.recording("a.wav", samples: 20_000, in: folder)
        func song(_ seconds: Double) -> SongSpecification {
            Make.song(.primed) {
                $0.prompt = [file]
                $0.promptSeconds = seconds
            }
        }
        let text = text(song(seconds))
        #expect(text.contains("a.wav is 0.4535 s long"))
        let most = try #require(number(after: "ask for at most", in: text))
        #expect(works(song(most)), "\(text)")
    }

    @Test func `a recording of less than a token names the least`() throws {
        let file = try Make.recording("a.wav", samples: 127, in: folder)
        for mode in [SongMode.primed, .upsample] {
            let text = text(Make.song(mode) { $0.prompt = [file] })
            #expect(text.contains("a.wav is too short: 127 samples; the model needs at least 128"), "\(text)")
        }
    }

    // MARK: settings

    @Test func `lists of another length than the levels are named`() {
        #expect(text(Make.song { $0.temperature = .each([1, 1]) }).contains("temperature has 2 values"))
        #expect(text(Make.song { $0.topK = .each([1, 1, 1, 1]) }).contains("top_k has 4 values"))
        #expect(text(Make.song { $0.topP = .each([]) }).contains("top_p has 0 values"))
        #expect(text(Make.song { $0.hopFraction = .each([0.5]) }).contains("hop_fraction has 1 values"))
        #expect(text(Make.song { $0.hopFraction = .each([0.5]) }).contains("each of the 3 levels"))
    }

    @Test(arguments: [0.0, -1, 1e-300, 1e39, .nan, .infinity])
    func `filters that cannot be`(_ temperature: Double) {
        #expect(text(Make.song { $0.temperature = .each([1, 1, temperature]) }).contains("level 2 must be above 0"))
    }

    @Test func `top_p beyond 0 to 1, top_k below 0, and both at once`() {
        for p in [-0.1, 1.1, .nan] { #expect(text(Make.song { $0.topP = .all(p) }).contains("top_p \(p)")) }
        let both = Make.song {
            $0.topP = .each([0, 0.5, 0])
            $0.topK = .each([0, 5, 5])
        }
        #expect(text(both).contains("exclude each other at level 1"))
        #expect(
            works(
                Make.song {
                    $0.seconds = 1
                    $0.topP = .all(1)
                }))
    }

    @Test func `seconds and audio samples together`() {
        for mode in [SongMode.ancestral, .upsample] {
            let song = Make.song(mode) {
                $0.seconds = 1
                $0.sampleLength = 128
            }
            #expect(text(song).contains("seconds or sample_length, not both"))
        }
    }

    @Test func `too many samples, and none`() {
        #expect(text(Make.song { $0.samples = [] }).contains("1 to 256 samples; got 0"))
        #expect(text(Make.song { $0.samples = Array(repeating: .init(), count: 257) }).contains("got 257"))
    }

    @Test func `labels that the model cannot express`() {
        #expect(text(Make.song { $0.samples = [.init(genre: "a b c d e f")] }).contains("at most 5 genres"))
        #expect(text(Make.song { $0.samples = [.init(artistID: 160)] }).contains("artist id 160"))
    }

    @Test func `a song of another model is refused with both fingerprints`() throws {
        let own = try model.fingerprints()
        var wrong = (0...2).map { own[$0]! }
        wrong[1] = "abc"
        let song = Make.song { $0.fingerprints = wrong }
        for words in ["level 1", "abc", own[1]!, "no-lyrics"] { #expect(text(song).contains(words)) }
        #expect(
            works(
                Make.song {
                    $0.seconds = 1
                    $0.fingerprints = (0...2).map { own[$0]! }
                }))
        #expect(text(Make.song { $0.fingerprints = (0...2).map { own[$0]! } + ["more"] }).contains("no such level"))
    }

    // MARK: modes and their files

    @Test func `a mode without what it starts from, and one with what it cannot use`() {
        #expect(text(Make.song(.primed)).contains("mode primed needs --prompt"))
        #expect(text(Make.song(.primed) { $0.prompt = [] }).contains("needs --prompt"))
        #expect(text(Make.song(.upsample)).contains("needs --prompt (a recording) or --codes"))
        #expect(text(Make.song(.continue)).contains("mode continue needs --codes"))
        #expect(text(Make.song { $0.prompt = ["a.wav"] }).contains("starts from nothing"))
        #expect(text(Make.song { $0.codes = "a" }).contains("starts from nothing"))
    }

    @Test func `files that are not there, or are something else`() throws {
        let note = try folder.write("no audio", "note.wav")
        #expect(text(Make.song(.primed) { $0.prompt = ["/nowhere/a.wav"] }).contains("/nowhere/a.wav"))
        #expect(text(Make.song(.primed) { $0.prompt = [note] }).contains("note.wav"))
        #expect(text(Make.song(.continue) { $0.codes = "/nowhere/codes" }).contains("/nowhere/codes"))
        #expect(text(Make.song(.upsample) { $0.codes = note }).contains("note.wav"))
    }

    @Test func `more recordings than samples`() throws {
        let file = try Make.recording("a.wav", samples: 5000, in: folder)
        let song = Make.song(.primed) {
            $0.prompt = [file, file, file]
            $0.samples = [.init(), .init()]
        }
        #expect(text(song).contains("3 recordings for 2 samples"))
    }

    /// A file of codes, in a song that continues or upsamples it.
    private func codes(_ codes: [[[Int]]], _ mode: SongMode = .continue, samples: Int = 1) throws -> String {
        let file = folder.file("codes.safetensors").path
        try CodesFile.write(codes, to: file)
        return text(
            Make.song(mode) {
                $0.codes = file
                $0.samples = Array(repeating: .init(), count: samples)
            })
    }

    @Test func `codes of another model or shape`() throws {
        #expect(try codes([[[1]], [[1]]]).contains("2 levels of codes; the model has 3"))
        #expect(try codes([[[1]], [[1]], [[1]], [[1]]]).contains("4 levels of codes"))
        #expect(try codes([[[1]], [[1]], [[128]]]).contains("z2 holds the code 128; the codebook has 128"))
        #expect(try codes([[[1]], [[500]], [[1]]]).contains("z1 holds the code 500"))
        #expect(
            try codes([[[1], [2]], [[1], [2]], [[1], [2]]], samples: 3).contains("has 2 samples; the song names 3"))
        #expect(try codes([[[1, 2]], [[1]], [[]]], .upsample).contains("no codes of the top level (z2)"))
    }

    @Test func `codes that are longer than the song name the length they need`() throws {
        let file = folder.file("codes.safetensors").path
        try CodesFile.write([[[]], [[]], [Array(repeating: 1, count: 100)]], to: file)
        func song(_ length: Int) -> SongSpecification {
            Make.song(.continue) {
                $0.codes = file
                $0.sampleLength = length
            }
        }
        let enough = try #require(number(after: "ask for at least", in: text(song(6400))))
        #expect(enough == 12_800 && works(song(12_800)))
    }

    @Test func `codes with hops that no window of the next level can follow`() throws {
        // z1 has seven tokens where z2 has one: whole windows are still aligned with the level above.
        let file = folder.file("codes.safetensors").path
        try CodesFile.write([[[1]], [Array(repeating: 1, count: 7)], [[1]]], to: file)
        let prepared = try SongPreparation.prepare(
            Make.song(.continue) {
                $0.codes = file
                $0.sampleLength = 16_384
            }, model: model)
        for level in prepared.plan.levels.dropLast() {
            #expect(level.windows.allSatisfy { $0.range.lowerBound.isMultiple(of: 4) })
        }
    }
}
