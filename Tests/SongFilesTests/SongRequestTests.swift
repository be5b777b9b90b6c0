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

    @Test func `a model alone is a song with the defaults`() throws {
        #expect(try parse(#"{"model":"m"}"#) == SongSpecification(model: "m"))
        #expect(try parse("{}") == SongSpecification(model: "music-box"))
        #expect(try parse(#"{"model":null,"seconds":null}"#) == SongSpecification(model: "music-box"))
    }

    @Test func `every documented field is read`() throws {
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

    @Test func `what is written is read again`() throws {
        var song = SongSpecification(
            model: "m", mode: .primed, seconds: 1.5, samples: [.init(artist: "\u{E9}\"\\/"), .init()], seed: 7,
            temperature: .each([1, 2]), prompt: ["a|b"], promptSeconds: 0.1)
        song.fingerprints = ["a"]
        #expect(try SongSpecification(json: song.json(), source: "x") == song)
        let request = SongRequest(specification: song, format: "ogg")
        #expect(try JSONDecoder().decode(SongRequest.self, from: Data(request.json().utf8)) == request)
        #expect(try request.json() == SongRequest(specification: song, format: "ogg").json())
    }

    @Test func `fields of a finished song are passed over`() throws {
        let song = try parse(
            #"{"model":"m","orchestrion":"0.1","format":"wav","digests":{"z0":"a"},"numeric_profile":"f32/1","warnings":[]}"#
        )
        #expect(song == SongSpecification(model: "m"))
    }

    @Test(arguments: ["temprature", "Model", "topK", "sample"])
    func `a field that does not exist is an error that lists those that do`(_ name: String) {
        #expect(
            unlessError("song.json", "no field \(name)", "temperature", "stop_at") {
                _ = try parse(#"{"model":"m","\#(name)":1}"#)
            } == nil)
    }

    @Test func `so is one of a sample`() {
        #expect(
            unlessError("song.json", "no field lyric;", "lyrics", "genre_ids") {
                _ = try parse(#"{"model":"m","samples":[{},{"lyric":"x"}]}"#)
            } == nil)
    }

    @Test(arguments: [
        (#""model":1"#, "model"), (#""model":"m","seed":"x""#, "seed"), (#""model":"m","seed":-1"#, "seed"),
        (#""model":"m","seconds":"20""#, "seconds"), (#""model":"m","samples":{}"#, "samples"),
        (#""model":"m","samples":[1]"#, "samples.0"),
        (#""model":"m","samples":[{"artist":3}]"#, "samples.0.artist"),
        (#""model":"m","samples":[{},{"genre_ids":[1,"x"]}]"#, "samples.1.genre_ids.1"),
        (#""model":"m","temperature":"hot""#, "temperature"), (#""model":"m","mode":"jam""#, "mode"),
        (#""model":"m","stop_at":0.5"#, "stop_at"), (#""model":"m","prompt":3"#, "prompt"),
        (#""model":"m","temperature":[1,"x"]"#, "temperature"),
    ])
    func `a field of another type is named`(_ body: String, _ field: String) {
        #expect(unlessError("song.json", field) { _ = try parse("{\(body)}") } == nil)
    }

    @Test(arguments: ["", "[]", "7", "{", "null", "{\"model\":\"m\"} x"])
    func `what is no JSON object is an error that names the file`(_ text: String) {
        #expect(unlessError("song.json is not a JSON object") { _ = try parse(text) } == nil)
    }

    @Test func `a request takes its specification as text, with its format beside it`() throws {
        let request = try SongRequest(json: Data(#"{"model":"m"}"#.utf8), format: "flac")
        #expect(request.format == "flac" && request.specification == SongSpecification(model: "m"))
        #expect(unlessError("the request") { _ = try SongRequest(json: Data("x".utf8), format: "wav") } == nil)
    }
}
