import Foundation
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

/// Song files, as `--song` reads them.
@Suite struct SongRequestTests {
    private func parse(_ text: String) throws -> SongSpecification {
        try SongSpecification(json: Data(text.utf8), source: "song.json")
    }

    @Test("A model alone is a song with the defaults")
    func minimal() throws {
        #expect(try parse(#"{"model":"m"}"#) == SongSpecification(model: "m"))
        #expect(try parse("{}") == SongSpecification(model: "music-box"))
        #expect(try parse(#"{"model":null,"seconds":null}"#) == SongSpecification(model: "music-box"))
    }

    @Test("Every documented field is read")
    func everything() throws {
        let song = try parse(
            #"""
            {"model":"5b","mode":"continue","sample_length":1024,"samples":[
               {"artist":"A","genre":"G","lyrics":"L\nM","total_length":5,"offset":6},{"artist_id":7,"genre_ids":[8,9]}],
             "seed":18446744073709551615,"temperature":[0.9,0.8,1],"top_k":5,"top_p":[0,0.5,1],"hop_fraction":0.25,
             "prompt":["a.wav","b.wav"],"prompt_seconds":2.5,"codes":"c","stop_at":1,"fingerprints":["x","y"]}
            """#)
        var wanted = SongSpecification(
            model: "5b", mode: .continue, sampleLength: 1024,
            samples: [
                .init(artist: "A", genre: "G", lyrics: "L\nM", totalLength: 5, offset: 6),
                .init(artistID: 7, genreIDs: [8, 9]),
            ], seed: .max, temperature: .each([0.9, 0.8, 1]), topK: .all(5), topP: .each([0, 0.5, 1]),
            hopFraction: .all(0.25), prompt: ["a.wav", "b.wav"], promptSeconds: 2.5, codes: "c", stopAt: 1)
        wanted.fingerprints = ["x", "y"]
        #expect(song == wanted)
        #expect(try parse(#"{"model":"m","seconds":3,"prompt":"one.wav"}"#).prompt == ["one.wav"])
        #expect(try parse(#"{"model":"m","seconds":3}"#).seconds == 3)
    }

    @Test("What is written is read again")
    func roundTrip() throws {
        var song = SongSpecification(
            model: "m", mode: .primed, seconds: 1.5, samples: [.init(artist: "\u{E9}\"\\/"), .init()], seed: 7,
            temperature: .each([1, 2]), prompt: ["a|b"], promptSeconds: 0.1)
        song.fingerprints = ["a"]
        #expect(try SongSpecification(json: song.json(), source: "x") == song)
        let request = SongRequest(specification: song, format: "ogg")
        #expect(try JSONDecoder().decode(SongRequest.self, from: Data(request.json().utf8)) == request)
        #expect(try request.json() == SongRequest(specification: song, format: "ogg").json())
    }

    @Test("Fields of a finished song are passed over")
    func results() throws {
        let song = try parse(
            #"{"model":"m","orchestrion":"0.1","format":"wav","digests":{"z0":"a"},"numeric_profile":"f32/1","warnings":[]}"#
        )
        #expect(song == SongSpecification(model: "m"))
    }

    @Test(
        "A field that does not exist is an error that lists those that do",
        arguments: ["temprature", "Model", "topK", "sample"])
    func unknownField(_ name: String) {
        #expect(
            unlessError("song.json", "no field \(name)", "temperature", "stop_at") {
                _ = try parse(#"{"model":"m","\#(name)":1}"#)
            } == nil)
    }

    @Test("So is one of a sample")
    func unknownSampleField() {
        #expect(
            unlessError("song.json", "no field lyric;", "lyrics", "genre_ids") {
                _ = try parse(#"{"model":"m","samples":[{},{"lyric":"x"}]}"#)
            } == nil)
    }

    @Test(
        "A field of another type is named",
        arguments: [
            (#""model":1"#, "model"), (#""model":"m","seed":"x""#, "seed"), (#""model":"m","seed":-1"#, "seed"),
            (#""model":"m","seconds":"20""#, "seconds"), (#""model":"m","samples":{}"#, "samples"),
            (#""model":"m","samples":[1]"#, "samples.0"),
            (#""model":"m","samples":[{"artist":3}]"#, "samples.0.artist"),
            (#""model":"m","samples":[{},{"genre_ids":[1,"x"]}]"#, "samples.1.genre_ids.1"),
            (#""model":"m","temperature":"hot""#, "temperature"), (#""model":"m","mode":"jam""#, "mode"),
            (#""model":"m","stop_at":0.5"#, "stop_at"), (#""model":"m","prompt":3"#, "prompt"),
            (#""model":"m","temperature":[1,"x"]"#, "temperature"),
        ])
    func wrongType(_ body: String, _ field: String) {
        #expect(unlessError("song.json", field) { _ = try parse("{\(body)}") } == nil)
    }

    @Test(
        "What is no JSON object is an error that names the file",
        arguments: ["", "[]", "7", "{", "null", "{\"model\":\"m\"} x"])
    func noObject(_ text: String) {
        #expect(unlessError("song.json is not a JSON object") { _ = try parse(text) } == nil)
    }

    @Test("A request takes its specification as text, with its format beside it")
    func request() throws {
        let request = try SongRequest(json: Data(#"{"model":"m"}"#.utf8), format: "flac")
        #expect(request.format == "flac" && request.specification == SongSpecification(model: "m"))
        #expect(unlessError("the request") { _ = try SongRequest(json: Data("x".utf8), format: "wav") } == nil)
    }
}
