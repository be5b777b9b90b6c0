import Foundation

/// Text of any script as ASCII, as near as a few rules come to what the models were trained on (unidecode's).
///
/// Signs have likenesses of their own, Latin letters lose their marks, Cyrillic is written as libraries do (ALA-LC without
/// its marks), and all else is ICU's business. Docs/Guide/Songs.md says where it differs from unidecode.
package struct Transliteration: Sendable, Equatable {
    package private(set) var text = ""
    /// The characters that have no likeness, in their order.
    package private(set) var dropped: [String] = []
    /// Whether a letter changed, and not only a sign such as a quotation mark.
    package private(set) var changedLetters = false

    /// - Parameter text: ASCII comes out as it is, but for a carriage return before a newline.
    package init(_ text: String) {
        var rest = String.UnicodeScalarView()
        for scalar in text.replacingOccurrences(of: "\r\n", with: "\n").unicodeScalars {
            if let own = Self.own(scalar) {
                take(rest)
                rest.removeAll()
                self.text += own
                changedLetters = changedLetters || !scalar.isASCII && scalar.properties.isAlphabetic
            } else {
                rest.append(contentsOf: String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars)
            }
        }
        take(rest)
    }

    /// A stretch of characters without a likeness of their own.
    private mutating func take(_ scalars: String.UnicodeScalarView) {
        guard !scalars.isEmpty else { return }
        var others = ""
        // Composed, a letter and its mark are one letter again.
        for scalar in String(scalars).precomposedStringWithCanonicalMapping.unicodeScalars {
            if let letters = Self.cyrillic(scalar) {
                takeOthers(&others)
                text += letters
                changedLetters = true
            } else {
                others.unicodeScalars.append(scalar)
            }
        }
        takeOthers(&others)
    }

    private mutating func takeOthers(_ others: inout String) {
        defer { others = "" }
        guard !others.isEmpty else { return }
        let latin = others.applyingTransform(StringTransform("Any-Latin; Latin-ASCII"), reverse: false) ?? others
        for character in latin {
            // What ICU leaves may still have a likeness: a fraction, a letter with a mark.
            let ascii = character.unicodeScalars.compactMap(Self.own).joined()
            if !ascii.isEmpty {
                text += ascii
            } else if character.unicodeScalars.contains(where: Self.isVisible) {
                dropped.append(String(character))
            }
        }
        changedLetters = changedLetters || others.unicodeScalars.contains { $0.properties.isAlphabetic }
    }

    /// Not a mark on a letter before it, and not one of the signs that only join or shape others.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: false
        default: !scalar.properties.isDefaultIgnorableCodePoint
        }
    }

    /// Of a character that needs none around it: itself, its likeness, or the ASCII that it decomposes to.
    private static func own(_ scalar: Unicode.Scalar) -> String? {
        if scalar.isASCII { return String(scalar) }
        // A sign's own likeness comes first: decomposed, an acute accent would be a space.
        if let likeness = likenesses[scalar] { return likeness }
        let parts = String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars.compactMap {
            $0.isASCII ? String($0) : likenesses[$0]
        }
        return parts.isEmpty ? nil : parts.joined()
    }

    private static func cyrillic(_ scalar: Unicode.Scalar) -> String? {
        if let letters = cyrillicLetters[scalar] { return letters }
        let small = scalar.properties.lowercaseMapping.unicodeScalars
        guard small.count == 1, let letters = cyrillicLetters[small[small.startIndex]] else { return nil }
        return letters.prefix(1).uppercased() + letters.dropFirst()
    }

    /// Russian, Ukrainian, Belarusian, Bulgarian, Serbian and Macedonian, as the Library of Congress writes them.
    private static let cyrillicLetters: [Unicode.Scalar: String] = [
        "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "ђ": "dj", "ѓ": "g", "е": "e", "ё": "io",
        "є": "ie", "ж": "zh", "з": "z", "ѕ": "dz", "и": "i", "і": "i", "ї": "i", "й": "i", "ј": "j", "к": "k",
        "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
        "ћ": "c", "ќ": "k", "у": "u", "ў": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "џ": "dzh", "ш": "sh",
        "щ": "shch", "ъ": "'", "ы": "y", "ь": "'", "ѣ": "ie", "э": "e", "ю": "iu", "я": "ia",
    ]

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
