import Foundation
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

/// What is wrong with a song file is said in the file's words.
struct SongFileTests {
    private func text(_ json: String) -> String {
        errorText { _ = try SongSpecification(json: Data(json.utf8), source: "song.json") }
    }

    private static let fields: [(names: [String], wanted: String, wrong: [String])] = [
        (["model", "codes", "format"], "must be text", ["5", "true", "[]", "{}", "1.5"]),
        (["mode"], "must be one of ancestral, primed, upsample, continue", ["5", "\"jam\"", "[\"primed\"]"]),
        (["seconds", "prompt_seconds", "overlap"], "must be a number", ["\"abc\"", "true", "[1]", "{}"]),
        (
            ["sample_length", "stop_at"], "must be a whole number",
            ["\"5\"", "1.5", "1e30", "9223372036854775808", "[1]"]
        ),
        (["samples"], "must be a list", ["{}", "1", "\"x\"", "true"]),
        (
            ["seed"], "must be a whole number from 0 to 18446744073709551615",
            ["\"7\"", "-1", "1.5", "18446744073709551616", "true", "[7]", "1e40", "-0.5"]
        ),
        (
            ["temperature", "top_p", "hop_fraction"], "must be a number",
            ["\"hot\"", "true", "{}", "[1, \"x\"]", "[[1]]", "[null]"]
        ),
        (["top_k"], "must be a whole number", ["\"hot\"", "1.5", "[1.5]"]),
        (["prompt"], "must be text", ["5", "[5]", "{}", "[null]"]),
        (["segments"], "must be a whole number from 1, or \"auto\"", ["0", "-3", "1.5", "\"many\"", "[2]", "true"]),
        (["fingerprints"], "must be a list, each text", ["\"x\"", "{}"]),
    ]

    @Test func `every field that holds something else is named with what it must hold and what it holds`() {
        for (names, wanted, wrong) in Self.fields {
            for (name, value) in names.flatMap({ name in wrong.map { (name, $0) } }) {
                let text = text("{\"\(name)\": \(value)}")
                #expect(
                    text.hasPrefix("song.json: the field \(name)") && text.contains(wanted), "\(name) \(value): \(text)"
                )
                for word in ["Double", "Int", "Array", "Dictionary", "Bool", "Swift", "Decod"] {
                    #expect(!text.contains(word), "\(text)")
                }
            }
        }
    }

    @Test func `so is every field of a sample, with its place`() {
        let fields: [([String], String, [String])] = [
            (["artist", "genre", "lyrics"], "must be text", ["5", "[\"x\"]", "true"]),
            (
                ["total_length", "offset", "artist_id", "number"], "must be a whole number",
                ["\"5\"", "0.5", "[1]", "1e40"]
            ),
            (["genre_ids"], "must be a list, each a whole number", ["5", "\"x\""]),
        ]
        for (names, wanted, wrong) in fields {
            for (name, value) in names.flatMap({ name in wrong.map { (name, $0) } }) {
                let text = text("{\"samples\": [{}, {\"\(name)\": \(value)}]}")
                #expect(text.contains("the field samples.1.\(name) \(wanted)"), "\(name) \(value): \(text)")
            }
        }
        #expect(text(#"{"samples":[{"genre_ids":[1,"x"]}]}"#).contains("samples.0.genre_ids.1 must be a whole number"))
        #expect(text(#"{"samples":[null]}"#).contains("samples.0 must be an object with a sample's fields; it is null"))
    }

    @Test func `what it holds is told`() {
        for (value, told) in [
            ("\"abc\"", "it is the text \"abc\""), ("[1]", "it is a list"), ("[]", "it is an empty list"),
            ("{\"a\":1}", "it is an object"), ("false", "it is false"),
        ] { #expect(text("{\"seconds\": \(value)}").hasSuffix(told)) }
        #expect(
            text("{\"seed\": -1}").contains("-1 is below 0") && text("{\"seed\": 1.5}").contains("1.5 has a fraction"))
    }

    @Test func `null is the same as leaving a field out, and numbers may be written as people do`() throws {
        func read(_ json: String) throws -> SongSpecification { try .init(json: Data(json.utf8), source: "x") }
        let nulls = SongSpecification.CodingKeys.allCases.map { "\"\($0.stringValue)\": null" }.joined(separator: ",")
        #expect(try read("{\(nulls)}") == SongSpecification(model: "music-box"))
        #expect(
            try read(#"{"seed": 7.0, "stop_at": 1e0, "seconds": 4}"#) == read(#"{"seed":7,"stop_at":1,"seconds":4.0}"#))
        #expect(try read(#"{"seed": 18446744073709551615}"#).seed == .max)
        #expect(try read(#"{"segments": "auto"}"#).segments == .auto && read(#"{"segments": 3}"#).segments == .count(3))
    }

    @Test func `mistakes in the writing are told with line and column`() {
        #expect(text("{\n  \"seconds\": 4,\n}").contains("line 3, column 1: a comma stands before the closing }"))
        #expect(text("{\n  \"seconds\": 4 // four\n}").contains("line 2, column 16"))
        #expect(text("{\"seed\": 1, \"seed\": 2}").contains("\"seed\" occurs twice"))
        #expect(text("[{}]").contains("it is a list") && text("\"x\"").contains("it is the text \"x\""))
    }

    @Test func `a file in UTF-16 or with a byte order mark is the same song`() throws {
        let json = #"{"seconds": 4, "samples": [{"lyrics": "café"}]}"#
        let plain = try SongSpecification(json: Data(json.utf8), source: "x")
        for data in [json.data(using: .utf16)!, json.data(using: .utf16LittleEndian)!, Data("\u{FEFF}\(json)".utf8)] {
            #expect(try SongSpecification(json: data, source: "x") == plain)
        }
    }

    @Test func `a song's audio format is read beside it`() throws {
        #expect(try SongFile(Data(#"{"format":"flac"}"#.utf8), source: "x").format == "flac")
        #expect(try SongFile(Data("{}".utf8), source: "x").format == nil)
    }
}
