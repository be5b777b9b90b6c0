import Testing

@testable import JukeboxModel

struct TransliterationTests {
    @Test(arguments: [
        ("Подмосковные вечера", "Podmoskovnye vechera"), ("Щука, ещё! ЮГ", "Shchuka, eshchio! IuG"),
        ("Їжак і ґанок", "Izhak i ganok"), ("день объект", "den' ob'ekt"), ("и\u{306} а\u{301}", "i a"),
        ("さくら カタカナ", "sakura katakana"), ("ｶﾞｷﾞ ﾊﾟ", "gagi pa"), ("か\u{3099}", "ga"), ("きゃっと", "kyatto"),
        ("καλημέρα Ελλάδα", "kalemera Ellada"), ("안녕하세요", "annyeonghaseyo"), ("東京", "dong jing"),
        ("café Ångström Việt", "cafe Angstrom Viet"), ("ａｂｃ１２", "abc12"),
        ("don\u{2019}t \u{2014} no\u{2026}", "don't -- no..."),
        ("शान्ति", "santi"),
    ])
    func `text of other scripts becomes ASCII`(text: String, wanted: String) {
        let ascii = Transliteration(text)
        #expect(ascii.text == wanted && ascii.dropped.isEmpty)
    }

    @Test func `ASCII stays as it is, whatever stands in it`() {
        let text = String(String.UnicodeScalarView((0..<0x80).map { Unicode.Scalar(UInt8($0)) }))
        let ascii = Transliteration(text)
        #expect(ascii.text.unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(ascii.dropped.isEmpty && !ascii.changedLetters)
    }

    @Test func `what is ASCII once is the same ASCII again, and the same tokens`() {
        for text in ["Привет, мир\\ещё\r\nстрока", "🎵 さくら ½ №5", "a\\b\r\nc", "ﷺ ㈀ ㎏ ＼ ⓐ"] {
            let once = Transliteration(text).text
            #expect(once.utf8.allSatisfy { $0 < 0x80 } && Transliteration(once).text == once, "\(text)")
            for v3 in [false, true] {
                let words = LyricText(v3: v3)
                #expect(words.tokenise(once) == words.tokenise(text), "\(text)")
            }
        }
    }

    @Test func `what has no likeness is dropped and counted, a picture of several signs once`() {
        let ascii = Transliteration("🎵 la 👨\u{200D}👩\u{200D}👧 la ❤\u{FE0F}")
        #expect(ascii.text == " la  la ")
        #expect(ascii.dropped.count == 3 && ascii.dropped.first == "🎵")
        #expect(!ascii.changedLetters)
    }

    @Test func `letters that change are told from signs that do`() {
        #expect(Transliteration("café").changedLetters && Transliteration("мир").changedLetters)
        #expect(Transliteration("さ").changedLetters)
        #expect(!Transliteration("don\u{2019}t \u{2013} \u{201C}la\u{201D} \u{2026}").changedLetters)
    }

    @Test func `every character of every script ends as ASCII or is dropped`() {
        for value in stride(from: UInt32(0x80), to: 0x20000, by: 1) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            if value % 7 != 0, value > 0x3000 { continue }
            #expect(Transliteration(String(scalar)).text.utf8.allSatisfy { $0 < 0x80 }, "U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: [false, true])
    func `characters outside the alphabet are named, but for the plus that one version lacks`(v3: Bool) {
        #expect(LyricText(v3: v3).foreign(in: "a+b & c\\d\r\n*") == ["&", "*"])
    }
}
