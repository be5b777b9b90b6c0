import Foundation

/// Forms in which players read the times of lyrics.
enum LyricFormat: String, CaseIterable {
    case json, lrc, vtt

    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .lrc: "text/plain; charset=utf-8"
        case .vtt: "text/vtt; charset=utf-8"
        }
    }

    func text(_ lyrics: SungLyrics, sample: Int) -> [UInt8] {
        let sung = lyrics.lines.filter { $0.end > $0.begin }
        switch self {
        case .json:
            return JSON.bytes(
                LyricDocument(sample: sample, lines: lyrics.lines, characters: lyrics.characters, note: lyrics.note))
        case .lrc:
            return Array(
                sung.map { "[\(Self.clock($0.begin, hours: false, digits: 2))]\(Self.line($0.text))\n" }.joined().utf8)
        case .vtt:
            let cues = sung.map {
                "\n\(Self.clock($0.begin, hours: true, digits: 3)) --> \(Self.clock($0.end, hours: true, digits: 3))\n"
                    + Self.escaped(Self.line($0.text)) + "\n"
            }
            return Array(("WEBVTT\n" + cues.joined()).utf8)
        }
    }

    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// As text of a cue, which has marks of its own.
    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }

    /// Minutes, seconds and fractions.
    private static func clock(_ seconds: Double, hours: Bool, digits: Int) -> String {
        let unit = digits == 3 ? 1000 : 100
        let count = Int((max(0, seconds) * Double(unit)).rounded())
        let (whole, part) = (count / unit, count % unit)
        let minutes = hours ? whole / 60 % 60 : whole / 60
        let end = String(format: "%02d:%02d.%0\(digits)d", minutes, whole % 60, part)
        return hours ? String(format: "%02d:", whole / 3600) + end : end
    }
}

struct LyricDocument: Encodable {
    var sample: Int
    var lines: [SungLyrics.Span]
    var characters: [SungLyrics.Span]
    var note: String
}
