import Foundation

/// One thing that was logged.
struct LogLine: Sendable {
    var time = Date()
    /// As swift-log calls it.
    var level: String
    var words: String
    /// In their order.
    var fields: [(name: String, value: String)]
}

/// How lines look.
package enum LogForm: String, Sendable, Hashable, CaseIterable {
    /// For people: the time of day and the words.
    case text
    /// For programs: an object a line.
    case json

    /// With its end.
    func line(_ line: LogLine, logger: String) -> String {
        switch self {
        case .text: "\(Self.timeOfDay(line.time))  \(line.words)\n"
        case .json:
            JSONText.object(
                [
                    ("time", Self.moment(line.time)), ("level", line.level), ("logger", logger),
                    ("message", Self.bounded(line.words)),
                ] + line.fields.map { ($0.name, Self.bounded($0.value)) }) + "\n"
        }
    }

    /// Whoever collects lines cuts longer ones, and then they are no objects any more.
    private static let longest = 8000

    private static func bounded(_ text: String) -> String {
        text.unicodeScalars.count <= longest ? text : String(text.unicodeScalars.prefix(longest)) + "…"
    }

    private static func timeOfDay(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.dateFormat = "HH:mm:ss"
        return formatter.string(from: date)
    }

    /// RFC 3339, with milliseconds, of the time zone that everybody has.
    private static func moment(_ date: Date) -> String {
        let milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded(.down))
        var (seconds, parts) = (time_t(milliseconds / 1000), tm())
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1,
            Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec), Int(milliseconds % 1000))
    }
}

/// Texts as JSON.
enum JSONText {
    /// An object of texts on one line, in their order; of a name that comes twice, the first counts.
    static func object(_ fields: [(String, String)]) -> String {
        var seen: Set<String> = []
        let parts = fields.filter { seen.insert($0.0).inserted }.map { "\(string($0.0)):\(string($0.1))" }
        return "{" + parts.joined(separator: ",") + "}"
    }

    /// Control characters are escaped, and so are the ends of lines that only some readers know.
    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0x0D: result += "\\r"
            case 0x09: result += "\\t"
            case ..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
