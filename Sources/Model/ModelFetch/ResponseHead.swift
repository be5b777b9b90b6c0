import Foundation

/// What a server says before a file's bytes.
struct ResponseHead: Equatable {
    let status: Int
    /// By their names in small letters; the last of several counts.
    private let fields: [String: String]

    /// - Parameter text: a status line and fields, a line each.
    init?(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/"), let status = Int(words[1]), (100...599).contains(status)
        else {
            return nil
        }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            fields[line[..<colon].lowercased()] = value
        }
        self.fields = fields
    }

    subscript(name: String) -> String? { fields[name] }

    /// Bytes of what follows; nil when it is not said.
    var length: Int? { fields["content-length"].flatMap(Int.init).flatMap { $0 >= 0 ? $0 : nil } }

    /// By what a later answer is known to be of the same bytes: a strong ETag. The date of a change tells seconds apart at
    /// best, and is not taken.
    var validator: String? {
        guard let tag = fields["etag"], tag.hasPrefix("\""), tag.hasSuffix("\""), (3...256).contains(tag.utf8.count),
            tag.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { return nil }
        return tag
    }

    /// Of a part: its first byte, and the whole's length where that is said.
    var range: (start: Int, total: Int?)? {
        guard let match = fields["content-range"]?.wholeMatch(of: /bytes (\d{1,18})-\d{1,18}\/(\d{1,18}|\*)/),
            let start = Int(match.1)
        else { return nil }
        return (start, Int(match.2))
    }

    /// Of a part that cannot be had: the whole's length.
    var unsatisfiedTotal: Int? {
        fields["content-range"]?.wholeMatch(of: /bytes \*\/(\d{1,18})/).flatMap { Int($0.1) }
    }

    var isWebPage: Bool {
        let type = fields["content-type"]?.lowercased() ?? ""
        return type.contains("html")
    }

    /// How long the server asks to wait: seconds, or a date.
    func pause(now: Date = Date()) -> Duration? {
        guard let text = fields["retry-after"] else { return nil }
        if let seconds = Int(text) { return .seconds(max(0, min(seconds, 1_000_000))) }
        let format = DateFormatter()
        (format.locale, format.timeZone) = (Locale(identifier: "en_US_POSIX"), TimeZone(identifier: "GMT"))
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text).map {
            .seconds(max(0, min(Int($0.timeIntervalSince(now).rounded(.up)), 1_000_000)))
        }
    }
}
