import Foundation
import Testing

@testable import Checkpoint

/// JSON as people write it.
struct JSONTextTests {
    private func read(_ text: String) throws -> JSONValue { try JSONValue.read(Data(text.utf8), source: "song.json") }

    @Test(arguments: [
        ("{\n \"a\": 1,\n}", "line 3, column 1", "a comma stands before the closing }"),
        ("[1, 2,]", "line 1, column 7", "a comma stands before the closing ]"),
        ("{\"é🎵\": tru}", "line 1, column 11", "expected true"), ("{\n// x\n}", "line 2, column 1", "no comments"),
        ("{'a': 1}", "line 1, column 2", "\"double\" quotes"), ("{“a”: 1}", "line 1, column 2", "straight quotes"),
        ("{\"a\": True}", "line 1, column 7", "written true"), ("{\"a\": None}", "line 1, column 7", "written null"),
        ("{\"a\": NaN}", "line 1, column 7", "NaN is no number"), ("{\"a\": +1}", "line 1, column 7", "no +"),
        ("{\"a\": .5}", "line 1, column 7", "digit before the point"),
        ("{\"a\": 05}", "line 1, column 7", "no 0 before"),
        ("{\"a\": 1 \"b\": 2}", "line 1, column 9", "expected ',' or '}'"),
        ("{\"a\": 1, \"a\": 2}", "line 1", "the name \"a\" occurs twice"), ("", "line 1, column 1", "ends"),
    ])
    func `a mistake is told with line and column`(text: String, place: String, words: String) {
        expectError("song.json", place, words) { _ = try read(text) }
    }

    @Test func `whole numbers are exact as far as 64 bits go`() throws {
        #expect(
            try read("[18446744073709551615, 9223372036854775807, -9223372036854775808]")
                == .array([.unsigned(.max), .int(.max), .int(.min)]))
        let value = try read("{\"seed\": 18446744073709551615}")
        #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
    }

    @Test func `files in UTF-16 and with a mark are read`() throws {
        let folder = try TemporaryFolder()
        let text = "{\"a\": [1, \"é\"]}"
        for (name, encoding, mark) in [
            ("16", String.Encoding.utf16, ""), ("16le", .utf16LittleEndian, ""), ("8", .utf8, "\u{FEFF}"),
        ] {
            let path = try folder.write(Array(#require((mark + text).data(using: encoding))), name)
            #expect(try JSONValue.read(path: path) == .object(["a": .array([.int(1), .string("é")])]), "\(name)")
        }
    }

    @Test func `what was downloaded instead of a file is named`() throws {
        let folder = try TemporaryFolder()
        for (text, words) in [
            ("\n <!doctype HTML><html>", "web page"), ("<?xml version=\"1.0\"?><Error>", "web page"),
            ("version https://git-lfs.github.com/spec/v1\n", "LFS pointer"), ("Entry not found", "server's answer"),
            ("{\"error\":\"Repository not found\"}", "server's answer"),
        ] {
            expectError("config.json", words) { _ = try JSONValue.read(path: folder.write(text, "config.json")) }
        }
    }
}
