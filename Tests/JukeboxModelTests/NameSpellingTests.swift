import Foundation
import ModelTestSupport
import Testing

@testable import JukeboxModel

struct NameSpellingTests {
    private let v2 = NameLists(
        artists: ["unknown": 0, "beyonc": 5, "kino": 6], genres: ["unknown": 0, "rock": 1, "musica": 2], v3: false)
    private let v3 = NameLists(artists: ["unknown": 0, "beyonce": 7], genres: ["unknown": 0, "chanson": 3], v3: true)

    @Test func `a name counts as the original would take it, then composed, then in ASCII`() {
        #expect(v2.artist("Beyoncé") == 5 && v3.artist("Beyoncé") == 7)
        #expect(v2.artist("Beyonce\u{301}") == 5 && v3.artist("Beyonce\u{301}") == 7)
        #expect(v2.artist("Кино") == 6 && v3.artist("Кино") == 0)
        #expect(v2.genre("Música Rock") == [2, 1] && v3.genre(" Chanson ") == [3])
        #expect(v2.known(artist: "Beyoncé") == "Beyoncé" && v3.known(artist: "Beyoncé") == "Beyonce")
    }

    @Test func `a name that no spelling of is in the list is unknown as it was given`() {
        #expect(
            v2.unknown(artist: "Björk", genre: "Música Polka") == [
                "artist Björk", "genre m", "genre sica", "genre polka",
            ])
        #expect(v2.unknown(artist: nil, genre: "???") == ["genre ???"])
        #expect(v3.genre("???") == [0])
    }

    @Test func `a list that is absent or empty is told from a name that it lacks`() throws {
        let folder = try TemporaryFolder()
        try folder.write("unknown;0\nkenny_g;8\n", "v2_artist_ids.txt")
        let some = try NameLists(folder: folder.url, v3: false)
        #expect(some.artistsAbsence == nil)
        let words = try #require(some.genresAbsence)
        #expect(
            words.contains("there is no list of genres (v2_genre_ids.txt) in \(folder.path)")
                && words.contains("genre_ids"))
        try folder.write("\n", "v2_genre_ids.txt")
        #expect(try NameLists(folder: folder.url, v3: false).genresAbsence?.contains("is empty") == true)
    }

    @Test func `lists in any encoding that texts come in are read`() throws {
        for encoding in [String.Encoding.utf16, .utf16LittleEndian, .windowsCP1252, .utf8] {
            let folder = try TemporaryFolder()
            let text = (encoding == .utf8 ? "\u{FEFF}" : "") + "unknown;0\r\nkenny g;8\r\nbeyoncé;9\r\n"
            try #require(text.data(using: encoding)).write(to: folder.file("v3_artist_ids.txt"))
            let lists = try NameLists(folder: folder.url, v3: true)
            #expect(lists.artists == ["unknown": 0, "kenny g": 8, "beyoncé": 9], "\(encoding)")
        }
    }

    @Test func `the first folder that has a list lends it`() throws {
        let (first, second) = try (TemporaryFolder(), TemporaryFolder())
        try second.write("unknown;0\nkenny_g;8\n", "v2_artist_ids.txt")
        #expect(try NameLists(folders: [first.url, second.url], v3: false).artist("Kenny G") == 8)
    }
}
