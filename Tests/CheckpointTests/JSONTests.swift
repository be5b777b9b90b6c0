import Foundation
import Testing

@testable import Checkpoint

struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue {
        try Array(text.utf8).withUnsafeBytes { try JSONParser.parse($0, path: "text") }
    }

    @Test func `values of every kind are read`() throws {
        let text = #" {"a":[1,-2.5e1,true,false,null],"b":{"c":"x\n\"\\\u00e9\ud83c\udfb5"},"#
        let value = try parse(text + #""d":1152921504606846976000} "#)
        #expect(value["a"] == .array([.int(1), .double(-25), .bool(true), .bool(false), .null]))
        #expect(value["b"]?["c"]?.stringValue == "x\n\"\\é🎵")
        #expect(value["d"]?.doubleValue == 1_152_921_504_606_846_976_000)
        #expect(try parse("[]") == .array([]) && parse("{}") == .object([:]))
    }

    @Test func `numbers are equal by value`() {
        #expect(JSONValue.int(600) == .double(600))
        #expect(JSONValue.int(600) != .double(600.5))
        #expect(JSONValue.int(1) != .bool(true))
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "01", "1.", "1e", "-", "tru", "\"a", "\"\\x\"",
        "\"\\ud800\"", "1 2",
        "{a:1}", "\"\u{1}\"", "1e999", "nan", "\"\\u12g4\"", "{\"a\":1,\"a\":2}", "\"\\ud800\\u0041\"",
    ])
    func `broken text is refused`(text: String) {
        expectError("text", "JSON at byte") { _ = try parse(text) }
    }

    @Test func `deep nesting is refused`() {
        expectError("nested") { _ = try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        expectError("UTF-8") {
            _ = try ([0x22, 0xFF, 0x22] as [UInt8]).withUnsafeBytes { try JSONParser.parse($0, path: "text") }
        }
    }

    @Test func `a value survives encoding and decoding`() throws {
        let value = try parse(#"{"a":[1,2.5,true,null,"x"],"b":{}}"#)
        #expect(try JSONDecoder().decode(JSONValue.self, from: try JSONEncoder().encode(value)) == value)
    }
}
