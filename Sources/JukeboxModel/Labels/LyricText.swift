import Foundation

/// Lyrics to tokens (the original's `TextProcessor`): v2 has 80 tokens, v3 lacks `+`. Token 0 is "unknown".
package struct LyricText: Sendable {
    package let characters: [Character]
    private let tokens: [Character: Int]

    package init(v3: Bool) {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?-"
        characters = Array(letters + (v3 ? "" : "+") + "'\"()[] \t\n")
        tokens = Dictionary(uniqueKeysWithValues: characters.enumerated().map { ($1, $0 + 1) })
    }

    /// Reduces text to ASCII, makes a backslash a newline, and drops characters outside the vocabulary.
    package func clean(_ text: String) -> String {
        String(Self.ascii(text).map { $0 == "\\" ? "\n" : $0 }.filter { tokens[$0] != nil })
    }

    /// One token for each character of the cleaned text.
    package func tokenise(_ text: String) -> [Int] { clean(text).compactMap { tokens[$0] } }

    /// The characters of tokens; 0 gives nothing.
    package func text(_ tokens: [Int]) -> String {
        String(tokens.compactMap { (1...characters.count).contains($0) ? characters[$0 - 1] : nil })
    }

    /// Latin letters lose their marks, common signs become their ASCII likeness; what has none is dropped.
    static func ascii(_ text: String) -> [Character] {
        var result: [Character] = []
        func append(_ scalar: Unicode.Scalar) -> Bool {
            if scalar.isASCII {
                result.append(Character(scalar))
            } else if let likeness = likenesses[scalar] {
                result.append(contentsOf: likeness)
            } else {
                return false
            }
            return true
        }
        // A sign's own likeness comes first: decomposed, an acute accent would be a space.
        for scalar in text.replacingOccurrences(of: "\r\n", with: "\n").unicodeScalars where !append(scalar) {
            String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars.forEach { _ = append($0) }
        }
        return result
    }

    private static let likenesses: [Unicode.Scalar: String] = [
        "\u{2018}": "'", "\u{2019}": "'", "\u{201B}": "'", "\u{2032}": "'", "\u{00B4}": "'",
        "\u{201C}": "\"", "\u{201D}": "\"", "\u{2033}": "\"", "\u{00AB}": "<<",
        "\u{00BB}": ">>", "\u{2010}": "-", "\u{2011}": "-", "\u{2012}": "-", "\u{2013}": "-",
        "\u{2014}": "--", "\u{2015}": "--", "\u{2212}": "-", "\u{2044}": "/", "\u{00A1}": "!",
        "\u{00BF}": "?", "\u{00DF}": "ss", "\u{00E6}": "ae", "\u{00C6}": "AE", "\u{0153}": "oe",
        "\u{0152}": "OE", "\u{00F8}": "o", "\u{00D8}": "O", "\u{00F0}": "d", "\u{00D0}": "D",
        "\u{201A}": ",", "\u{201E}": ",,", "\u{201F}": "\"", "\u{00A8}": "\"", "\u{00B8}": ",",
        "\u{00AF}": "-", "\u{00B0}": "deg", "\u{00BC}": " 1/4", "\u{00BD}": " 1/2", "\u{00BE}": " 3/4",
        "\u{00A9}": "(c)", "\u{00AE}": "(r)", "\u{2122}": "(tm)", "\u{2116}": "No. ", "\u{203D}": "!?",
        "\u{20AC}": "EUR", "\u{00A3}": "PS", "\u{00B1}": "+-", "\u{00B5}": "u", "\u{2028}": "\n",
        "\u{0126}": "H", "\u{0127}": "h", "\u{0166}": "T", "\u{0167}": "t", "\u{014A}": "NG",
        "\u{014B}": "ng", "\u{0149}": "'n", "\u{1E9E}": "SS", "\u{2029}": "\n\n", "\u{200B}": " ",
        "\u{00FE}": "th", "\u{00DE}": "Th", "\u{0142}": "l", "\u{0141}": "L", "\u{0111}": "d",
        "\u{0110}": "D", "\u{0131}": "i", "\u{00D7}": "x", "\u{00B7}": "*", "\u{2022}": "*",
    ]
}
