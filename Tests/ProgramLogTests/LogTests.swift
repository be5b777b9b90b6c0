import Foundation
import Logging
import Synchronization
import Testing

@testable import ProgramLog

struct LogTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private let lines = Lines()

    private func log(_ form: LogForm, level: LogLevel = .info) -> Log {
        Log("coordinator", form, level: level) { [lines] in lines.add($0) }
    }

    /// The object of a line, which must be one, and whole.
    private func object(_ line: String) throws -> [String: String] {
        #expect(line.hasSuffix("}\n") && line.count(where: \.isNewline) == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    @Test func `a line for people is the time of day and the words, whatever its fields`() {
        log(.text)("song a is sampling", .warning, LogFields(song: "a", worker: "w", task: "t"))
        let line = lines.all.first ?? ""
        #expect(line.wholeMatch(of: /\d\d:\d\d:\d\d  song a is sampling\n/) != nil, "\(line)")
    }

    @Test func `a line for programs is an object with time, level and message, and what it is about`() throws {
        log(.json)("a window was taken back", .warning, LogFields(song: "a", worker: "host:7", task: "a/0/2/5"))
        log(.json)("listens")
        let objects = try lines.all.map(object)
        #expect(
            objects[0].filter { $0.key != "time" } == [
                "level": "warning", "logger": "coordinator", "message": "a window was taken back", "song": "a",
                "worker": "host:7", "task": "a/0/2/5",
            ])
        #expect(
            objects[1].filter { $0.key != "time" } == ["level": "info", "logger": "coordinator", "message": "listens"])
        #expect(lines.all[0].hasPrefix(#"{"time":""#))
        for object in objects {
            let time = try #require(object["time"])
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            #expect(abs(try format.parse(time).timeIntervalSinceNow) < 60)
        }
    }

    @Test func `whatever the words are, a line is one object with exactly these words`() throws {
        let texts = [
            "a \"quote\" and a \\", "two\nlines\r\n\tand a tab", "\u{0}\u{1}\u{1F}\u{7F}\u{9B}31m", "\u{2028}\u{2029}",
            "\u{1B}[2J", "ü 字 🎵 \u{202E}turned", "", "}{\",", String(repeating: "\u{0}", count: 5000),
        ]
        for text in texts { log(.json)(text, .info, LogFields(song: text)) }
        let objects = try lines.all.map(object)
        #expect(objects.map { $0["message"] } == texts && objects.map { $0["song"] } == texts)
        for line in lines.all {
            #expect(line.dropLast().unicodeScalars.allSatisfy { !(0x7F..<0xA0).contains($0.value) && $0.value >= 0x20 })
        }
    }

    @Test func `a line is not longer than those who collect lines take`() throws {
        log(.json)(String(repeating: "x", count: 1_000_000))
        #expect(try object(lines.all[0])["message"]?.count == 8001)
        #expect(lines.all[0].utf8.count < 9000)
    }

    @Test(arguments: LogLevel.allCases)
    func `what matters less than the level is left away, and not even made`(level: LogLevel) {
        let log = log(.json, level: level)
        let made = Mutex(0)
        for own in LogLevel.allCases {
            func text() -> String {
                made.withLock { $0 += 1 }
                return "\(own)"
            }
            log(text(), own)
        }
        let expected = LogLevel.allCases.drop { $0 != level }.count
        #expect(lines.all.count == expected && made.withLock { $0 } == expected)
    }

    @Test func `words and fields that come from peers are cleaned before they are written`() throws {
        let log = log(.json).cleaning { $0.replacingOccurrences(of: "\u{1B}", with: "") }
        log("a\u{1B}[2J", .info, LogFields(worker: "b\u{1B}"))
        let object = try object(lines.all[0])
        #expect(object["message"] == "a[2J" && object["worker"] == "b")
    }

    @Test func `a log of words alone gets the words, of every level`() {
        let log = Log { [lines] in lines.add($0) }
        for level in LogLevel.allCases { log("\(level)", level, LogFields(song: "s")) }
        #expect(lines.all == LogLevel.allCases.map { "\($0)" })
    }

    @Test func `what others log through swift-log is a line, too, with their fields after ours`() throws {
        var logger = Logger(label: "x") { _ in
            LineHandler(level: .trace) { [lines] in lines.add(LogForm.json.line($0, logger: "x")) }
        }
        logger[metadataKey: "zebra"] = ["a", "b"]
        logger.trace("words", metadata: ["alpha": "1", "song": "s", "level": "mine"])
        let object = try object(lines.all[0])
        #expect(object["level"] == "trace" && object["song"] == "s" && object["alpha"] == "1")
        #expect(lines.all[0].contains(#""song":"s","alpha":"1","#))
    }
}
