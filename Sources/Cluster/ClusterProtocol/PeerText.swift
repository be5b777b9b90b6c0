/// Texts that peers send: they end in logs, in the journal, in answers and on terminals.
package enum PeerText {
    package static let longestReason = 1000
    package static let longestName = 200

    /// Without characters that a terminal acts on, and not too long.
    package static func shown(_ text: String, limit: Int = longestName) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.lazy.prefix(limit).filter { $0.properties.isShown }))
    }

    /// A text of several lines as one, and not longer than a message has room for.
    package static func lines(_ text: String, limit: Int = 8000) -> String {
        shown(String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 }), limit: limit)
    }

    /// Whether nothing of a text would be left out.
    package static func isClean(_ text: String, limit: Int = longestName) -> Bool {
        text.unicodeScalars.count <= limit && text.unicodeScalars.allSatisfy(\.properties.isShown)
    }

    /// Whether it can be a song's id.
    package static func isSongID(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...64).contains(bytes.count)
            && bytes.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
            }
    }

    /// A song's id as a peer names it, or what can be shown of it; ids that cannot be are cut so that no answer is long.
    package static func songID(_ text: String) -> String { isSongID(text) ? text : shown(text, limit: 65) }
}

extension Unicode.Scalar.Properties {
    /// Whether it is a sign, and not what a terminal acts on or what turns other signs around.
    fileprivate var isShown: Bool {
        switch generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate, .privateUse: false
        default: true
        }
    }
}

extension Double {
    /// Tokens a second as a peer says it: 0, which is unknown, for what is none, and what no machine can be is the nearest
    /// that one could.
    package var peerSpeed: Double { isFinite && self > 0 ? Swift.min(Swift.max(self, 1e-6), 1e9) : 0 }

    /// Seconds, shares or speeds as a peer says them: 0 for what cannot be.
    package var peerAmount: Double { isFinite ? Swift.min(Swift.max(0, self), 1e12) : 0 }
}
