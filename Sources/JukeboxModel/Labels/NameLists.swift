package import Foundation

/// The ids of artists and genres that come with a model's files. Unknown names are id 0.
package struct NameLists: Sendable {
    /// By name as the list writes it, lower-cased.
    package var artists: [String: Int]
    package var genres: [String: Int]
    package let v3: Bool

    package init(artists: [String: Int] = [:], genres: [String: Int] = [:], v3: Bool) {
        self.artists = artists
        self.genres = genres
        self.v3 = v3
    }

    /// Reads `v2_artist_ids.txt` and the like (lines `name;id`), or `artists.json` and `genres.json` of the
    /// Hugging Face form, where a v2 name ends in `.v2`. Absent lists are empty.
    ///
    /// - Throws: `LabelError` naming file and line.
    package init(folder: URL, v3: Bool) throws {
        let version = v3 ? "v3" : "v2"
        self.init(
            artists: try Self.read(folder, "\(version)_artist_ids.txt", "artists.json", v3: v3),
            genres: try Self.read(folder, "\(version)_genre_ids.txt", "genres.json", v3: v3), v3: v3)
    }

    private static func read(
        _ folder: URL, _ text: String, _ json: String, v3: Bool
    ) throws -> [String: Int] {
        let textFile = folder.appendingPathComponent(text)
        if let data = try? Data(contentsOf: textFile) {
            guard let lines = String(data: data, encoding: .utf8) else {
                throw LabelError("\(textFile.path) is not text in UTF-8")
            }
            return try parse(lines: lines, file: textFile.path)
        }
        let jsonFile = folder.appendingPathComponent(json)
        guard let data = try? Data(contentsOf: jsonFile) else { return [:] }
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

    package func artist(_ name: String) -> Int { artists[artistKey(name)] ?? 0 }

    package func genre(_ name: String) -> [Int] {
        let ids = genreKeys(name).map { genres[$0] ?? 0 }
        return ids.isEmpty ? [0] : ids
    }

    /// The names that the lists do not hold, for a warning.
    package func unknown(artist: String?, genre: String?) -> [String] {
        var names: [String] = []
        if let artist, artists[artistKey(artist)] == nil { names.append("artist \(artist)") }
        for key in genre.map(genreKeys) ?? [] where genres[key] == nil { names.append("genre \(key)") }
        return names
    }
}

/// Labels that a model cannot express.
package struct LabelError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
