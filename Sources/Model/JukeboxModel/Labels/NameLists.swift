import Checkpoint
package import Foundation

/// The ids of artists and genres that come with a model's files. Unknown names are id 0.
package struct NameLists: Sendable {
    /// By name as the list writes it, lower-cased.
    package var artists: [String: Int]
    package var genres: [String: Int]
    package let v3: Bool
    /// Why there is no list of artists, or none of genres; nil where there is one.
    package private(set) var artistsAbsence: String?
    package private(set) var genresAbsence: String?

    package init(artists: [String: Int] = [:], genres: [String: Int] = [:], v3: Bool) {
        self.artists = artists
        self.genres = genres
        self.v3 = v3
    }

    /// Reads `v2_artist_ids.txt` and the like (lines `name;id`), or `artists.json` and `genres.json` of the
    /// Hugging Face form, where a v2 name ends in `.v2`. Absent lists are empty.
    ///
    /// - Throws: `LabelError` naming file and line.
    package init(folder: URL, v3: Bool) throws { try self.init(folders: [folder], v3: v3) }

    /// The same from the first of several folders that has a list.
    package init(folders: [URL], v3: Bool) throws {
        let artists = try Self.list(of: "artist", folders, v3: v3)
        let genres = try Self.list(of: "genre", folders, v3: v3)
        self.init(artists: artists.ids, genres: genres.ids, v3: v3)
        (artistsAbsence, genresAbsence) = (artists.absence, genres.absence)
    }

    private static func list(of kind: String, _ folders: [URL], v3: Bool) throws -> (
        ids: [String: Int], absence: String?
    ) {
        let file = "\(v3 ? "v3" : "v2")_\(kind)_ids.txt"
        for folder in folders {
            guard let ids = try read(folder, file, "\(kind)s.json", v3: v3) else { continue }
            return (ids, ids.isEmpty ? "the list of \(kind)s (\(file)) in \(folder.path) is empty" : nil)
        }
        return (
            [:],
            "there is no list of \(kind)s (\(file)) in \(folders.map(\.path).joined(separator: " or ")); put it there, or "
                + "give \(kind == "artist" ? "artist_id" : "genre_ids") in a song file"
        )
    }

    /// - Returns: nil when neither file is there.
    private static func read(_ folder: URL, _ text: String, _ json: String, v3: Bool) throws -> [String: Int]? {
        let textFile = folder.appendingPathComponent(text)
        if let data = try? Data(contentsOf: textFile) {
            do {
                return try parse(lines: PlainText(data).text, file: textFile.path)
            } catch let error as PlainText.NotText {
                throw LabelError("\(textFile.path) \(error)")
            }
        }
        let jsonFile = folder.appendingPathComponent(json)
        guard let data = try? Data(contentsOf: jsonFile) else { return nil }
        guard let all = try? JSONDecoder().decode([String: Int].self, from: data) else {
            throw LabelError("\(jsonFile.path) is not a JSON object of names and ids")
        }
        let mark = ".v2"
        var ids: [String: Int] = [:]
        for (name, id) in all where name.hasSuffix(mark) != v3 {
            ids[(v3 ? name : String(name.dropLast(mark.count))).lowercased()] = id
        }
        return ids
    }

    private static func parse(lines: String, file: String) throws -> [String: Int] {
        var ids: [String: Int] = [:]
        for (number, line) in lines.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty else { continue }
            let parts = line.split(separator: ";", omittingEmptySubsequences: false)
            guard parts.count == 2, let id = Int(parts[1]), id >= 0 else {
                throw LabelError("\(file), line \(number + 1): expected name;id, found \(line)")
            }
            ids[parts[0].lowercased()] = id
        }
        return ids
    }

    /// v2: lower case, every run of other characters one `_`, none at the ends.
    static func normalise(_ name: String) -> String {
        // By scalar, as the original does: a letter and a combining mark are two characters there.
        name.lowercased().unicodeScalars.split { !("a"..."z" ~= $0 || "0"..."9" ~= $0) }.map { String($0) }
            .joined(separator: "_")
    }

    package func artistKey(_ name: String) -> String { v3 ? name.lowercased() : Self.normalise(name) }

    /// v2: a genre is a bag of words; v3: one name.
    package func genreKeys(_ name: String) -> [String] {
        v3 ? [name.lowercased()] : Self.normalise(name).split(separator: "_").map(String.init)
    }

    /// How a name may be written in a list: as it is, without what surrounds it, composed, and in ASCII.
    private static func spellings(of name: String) -> [String] {
        let trimmed = name.trimmingCharacters(in: .whitespacesAndNewlines)
        let all = [name, trimmed, trimmed.precomposedStringWithCanonicalMapping, Transliteration(trimmed).text]
        // By scalar: to Swift the second and third are the same.
        return all.enumerated().filter { place, spelling in
            !all[..<place].contains { $0.unicodeScalars.elementsEqual(spelling.unicodeScalars) }
        }.map(\.element)
    }

    /// The spelling of an artist that the list has; nil when it has none.
    package func known(artist name: String) -> String? {
        Self.spellings(of: name).first { artists[artistKey($0)] != nil }
    }

    /// The spelling of a genre of which the list has every word.
    package func known(genre name: String) -> String? {
        Self.spellings(of: name).first { spelling in
            let keys = genreKeys(spelling)
            return !keys.isEmpty && keys.allSatisfy { genres[$0] != nil }
        }
    }

    package func artist(_ name: String) -> Int { artists[artistKey(known(artist: name) ?? name)] ?? 0 }

    package func genre(_ name: String) -> [Int] {
        let ids = genreKeys(known(genre: name) ?? name).map { genres[$0] ?? 0 }
        return ids.isEmpty ? [0] : ids
    }

    /// The names that the lists do not hold, for a warning.
    package func unknown(artist: String?, genre: String?) -> [String] {
        var names: [String] = []
        if let artist, known(artist: artist) == nil { names.append("artist \(artist)") }
        guard let genre, known(genre: genre) == nil else { return names }
        let words = genreKeys(genre).filter { genres[$0] == nil }
        return names + (words.isEmpty ? ["genre \(genre)"] : words.map { "genre \($0)" })
    }
}

/// Labels that a model cannot express.
package struct LabelError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
