import ModelTestSupport
import Testing

@testable import JukeboxModel

@Suite struct LyricTextTests {
    private let v2 = LyricText(v3: false)
    private let v3 = LyricText(v3: true)

    @Test func `vocabularies have 79 and 78 characters beside the unknown one, and differ in +`() {
        #expect(v2.characters.count == 79)
        #expect(v3.characters.count == 78)
        #expect(Set(v2.characters).subtracting(v3.characters) == ["+"])
        #expect(v2.tokenise("ABZaz09") == [1, 2, 26, 27, 52, 53, 62])
        #expect(v2.tokenise("-+'\n") == [69, 70, 71, 79])
        #expect(v3.tokenise("-+'\n") == [69, 70, 78])
    }

    @Test(arguments: [
        ("\u{2018}single\u{2019} \u{201C}double\u{201D}", "'single' \"double\""),
        ("d\u{E9}j\u{E0} vu, ma\u{F1}ana", "deja vu, manana"),
        ("de\u{301}ja\u{300}", "deja"),
        ("Stra\u{DF}e, \u{C6}on, \u{153}uvre, \u{D8}re", "Strasse, AEon, oeuvre, Ore"),
        ("rock\u{B4}n\u{B4}roll \u{201E}so\u{201C} \u{201A}so\u{2018}", "rock'n'roll ,,so\" ,so'"),
        ("99\u{20AC}, 20\u{B0}, 2\u{BD} \u{14B}oma", "99EUR, 20deg, 2 12 ngoma"),
        ("one\\two", "one\ntwo"),
        ("tab\there", "tab\there"),
        ("line\r\nbreak\rreturn", "line\nbreakreturn"),
        ("smile \u{1F600}\u{1F468}\u{200D}\u{1F469}!", "smile !"),
        ("wait\u{2026} \u{2014} no", "wait... -- no"),
        ("\u{FB01}sh \u{2460} \u{FF21}", "fish 1 A"),
        ("a<b>{c}=d@e#f$g%h^i&j*k~l`m|n_o/p", "abcdefghijklmnop"),
        ("\u{4F60}\u{597D} \u{43F}\u{440}", "ni hao pr"),
        ("", ""),
    ])
    func `text is reduced to ASCII characters of the vocabulary`(_ text: String, _ wanted: String) {
        #expect(v2.clean(text) == wanted)
        #expect(v2.text(v2.tokenise(text)) == wanted)
        #expect(v2.tokenise(text).count == wanted.count)
    }

    @Test func `+ is dropped by v3 and kept by v2`() {
        #expect(v2.clean("1+1") == "1+1")
        #expect(v3.clean("1+1") == "11")
    }

    @Test func `tokens that are no characters give no text`() {
        #expect(v2.text([0, 1, -3, 80, 2]) == "AB")
    }

    @Test(arguments: [Fixture.lyricsSingle, .lyricsEncDec])
    func `lyrics have the original's tokens`(_ fixture: Fixture) throws {
        let scenario = try fixture.scenario()
        let text = fixture == .lyricsSingle ? v3 : v2
        #expect(scenario.metas.map { text.tokenise($0.lyrics) } == scenario.full_tokens)
    }
}
