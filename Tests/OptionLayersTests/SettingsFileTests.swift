import Foundation
import OptionLayers
import Testing

struct SettingsFileTests {
    @Test func `words, numbers, switches and lists are read`() throws {
        let layer = try file(
            """
            # a comment
            slots = 1_6
            lease = 0.5
            model = ["/models/a b", '/models/c']
            http-name = "one"
            secure = true
            colour = false
            """)
        #expect(layer["slots"]?.value == .text("16"))
        #expect(layer["lease"]?.value == .text("0.5"))
        #expect(layer["model"]?.value == .list(["/models/a b", "/models/c"]))
        #expect(layer["http-name"]?.value == .list(["one"]))
        #expect(layer["secure"]?.value == .flag(true) && layer["colour"]?.value == .flag(false))
        #expect(layer["slots"]?.origin == .file("worker.toml"))
        #expect(try file("").settings.isEmpty)
    }

    @Test(arguments: [
        ("slot = 8", "did you mean slots?"), ("http_name = 'x'", "did you mean http-name?"),
        ("zzzzzzz = 1", "--help names all"),
        ("no-secure = true", "write secure with false"), ("config = 'x'", "is not in one"),
        ("[worker]\nslots = 8", "is a section"), ("slots = true", "true and false are for switches"),
        ("slots = [1, 2]", "has one value, not a list"), ("secure = 'true'", "without quotes"),
        ("secure = 1", "write true or false"), ("model = [['x']]", "words or numbers"),
        ("lease = 2020-01-01", "is a date"),
        ("slots = 8\nslots = 9", "line 2"), ("slots 8", "line 1"), ("model = 'a\\u0000b'", "zero byte"),
        ("model = \"a\\u0000b\"", "zero byte"), ("slots = 8\0", "no text"),
    ])
    func `what is wrong is told with the file's name`(text: String, words: String) {
        let told = refusal { try file(text) }
        #expect(
            told?.hasPrefix("worker.toml") == true || told?.contains(" in worker.toml") == true, "\(told ?? "nothing")")
        #expect(told?.contains(words) == true, "\(told ?? "nothing")")
    }

    @Test func `a file that is large or no text is refused`() {
        let large = refusal { try file(String(repeating: "#\n", count: 600_000)) }
        #expect(large?.contains("too large") == true)
        let bytes = refusal { try SettingsFile.layer(Data([0xFF, 0xFE]), path: "x", of: table) }
        #expect(bytes?.contains("UTF-8") == true)
    }
}
