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
        String(Transliteration(text).text.unicodeScalars.lazy.map(Self.character).filter { tokens[$0] != nil })
    }

    /// What of ASCII text is outside the vocabulary, in its order; but for +, which v3 alone lacks and no word needs.
    package func foreign(in ascii: String) -> [String] {
        ascii.unicodeScalars.filter { $0 != "\r" && $0 != "+" && tokens[Self.character($0)] == nil }.map { String($0) }
    }

    private static func character(_ scalar: Unicode.Scalar) -> Character { scalar == "\\" ? "\n" : Character(scalar) }

    /// One token for each character of the cleaned text.
    package func tokenise(_ text: String) -> [Int] { clean(text).compactMap { tokens[$0] } }

    /// The characters of tokens; 0 gives nothing.
    package func text(_ tokens: [Int]) -> String {
        String(tokens.compactMap { (1...characters.count).contains($0) ? characters[$0 - 1] : nil })
    }
}
