import Foundation
import ModelTestSupport
import Testing

@testable import JukeboxModel

@Suite struct NameListsTests {
    @Test(arguments: [
        ("Kenny G", "kenny_g"), ("  Kenny   G ", "kenny_g"), ("AC/DC", "ac_dc"), ("R&B - Soul", "r_b_soul"),
        ("Beyonc\u{E9}", "beyonc"), ("Beyonce\u{301}", "beyonce"), ("!!!", ""), ("", ""), ("_a__b_", "a_b"),
        ("a\r\nb", "a_b"), ("50 Cent", "50_cent"), ("\u{FF21}\u{0662}", ""),
    ])
    func `v2 names are lower case, other characters become one underscore`(_ name: String, _ wanted: String) {
        #expect(NameLists.normalise(name) == wanted)
    }

    private let v2 = NameLists(
        artists: ["unknown": 0, "kenny_g": 8], genres: ["unknown": 0, "rock": 8, "jazz": 9, "country": 11], v3: false)
    private let v3 = NameLists(
        artists: ["unknown": 0, "kenny g": 88], genres: ["unknown": 0, "country rock": 7, "jazz": 230], v3: true)

    @Test func `v2: artists by their normal form, a genre as a bag of words, unknown names as 0`() {
        #expect(v2.artist("Kenny G") == 8)
        #expect(v2.artist("KENNY-G!") == 8)
        #expect(v2.artist("Nobody At All") == 0)
        #expect(v2.genre("Country Rock") == [11, 8])
        #expect(v2.genre("Jazz/Jazz") == [9, 9])
        #expect(v2.genre("Polka Jazz") == [0, 9])
        #expect(v2.genre("") == [0])
        #expect(v2.genre("???") == [0])
    }

    @Test func `v3: names are only lower-cased, a genre is one name`() {
        #expect(v3.artist("Kenny G") == 88)
        #expect(v3.artist("kenny_g") == 0)
        #expect(v3.genre("Country Rock") == [7])
        #expect(v3.genre("Rock Country") == [0])
        #expect(v3.genre("") == [0])
    }

    @Test func `names that the lists lack are named for a warning`() {
        #expect(v2.unknown(artist: "Kenny G", genre: "Country Rock").isEmpty)
        #expect(v2.unknown(artist: "Nobody", genre: "Polka Jazz") == ["artist Nobody", "genre polka"])
        #expect(v3.unknown(artist: nil, genre: "Polka Jazz") == ["genre polka jazz"])
        #expect(v2.unknown(artist: nil, genre: nil).isEmpty)
    }

    @Test func `lists are read from the model's folder, in either form`() throws {
        for fixture in [Fixture.lyricsSingle, .hfLyricsSingle] {
            let v3 = try NameLists(folder: fixture.folder, v3: true)
            #expect(v3.artists == ["unknown": 0, "kenny g": 88], "\(fixture)")
            #expect(v3.genres == ["unknown": 0, "jazz": 230, "country": 507], "\(fixture)")
        }
        let text = try NameLists(folder: Fixture.lyricsSingle.folder, v3: false)
        let json = try NameLists(folder: Fixture.hfLyricsSingle.folder, v3: false)
        #expect(text.artist("Kenny G") == 8 && json.artist("Kenny G") == 8)
        #expect(text.genre("Country Rock") == [11, 8] && json.genre("Country Rock") == [11, 8])
    }

    @Test func `lists that are not there are empty`() throws {
        let lists = try NameLists(folder: TemporaryFolder().url, v3: false)
        #expect(lists.artists.isEmpty && lists.genres.isEmpty)
        #expect(lists.artist("Kenny G") == 0 && lists.genre("Country Rock") == [0, 0])
    }

    @Test func `blank lines, blanks around names, and Windows line ends are read`() throws {
        let folder = try TemporaryFolder()
        try folder.write("unknown;0\r\n\r\n  Kenny_G;8  \r\n", "v2_artist_ids.txt")
        #expect(try NameLists(folder: folder.url, v3: false).artists == ["unknown": 0, "kenny_g": 8])
    }

    @Test(arguments: ["kenny_g 8", "kenny_g;eight", "kenny_g;-1", "kenny_g;8;9", "kenny_g;", ";"])
    func `a malformed line is an error that names file and line`(_ line: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("unknown;0\n\n\(line)\njazz;9\n", "v2_genre_ids.txt")
        #expect(
            unlessError("v2_genre_ids.txt, line 3", "name;id", line) {
                _ = try NameLists(folder: folder.url, v3: false)
            } == nil)
    }

    @Test func `a list that is not text, and JSON that is not names and ids, are errors that name the file`() throws {
        let folder = try TemporaryFolder()
        try Data([0x75, 0xFF, 0xFE, 0x3B, 0x30]).write(to: folder.file("v3_artist_ids.txt"))
        #expect(unlessError("v3_artist_ids.txt", "UTF-8") { _ = try NameLists(folder: folder.url, v3: true) } == nil)
        for json in ["[1,2]", "{\"a\":\"b\"}", "{", "{\"a\":1.5}"] {
            let folder = try TemporaryFolder()
            try folder.write(json, "genres.json")
            #expect(
                unlessError("genres.json", "names and ids") { _ = try NameLists(folder: folder.url, v3: true) } == nil)
        }
    }
}
