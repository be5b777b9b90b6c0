/// The public keys that a coordinator lets in, as an operator keeps them: a text file with one key a line,
/// after it, if wanted, white space and a name, and comments from `#` at the start of a line.
package struct AllowList: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var key: CurvePublicKey
        /// For people; nothing depends on it.
        package var name: String?

        package init(key: CurvePublicKey, name: String? = nil) {
            self.key = key
            self.name = name
        }

        /// The entry's line in the file.
        package var line: String {
            name.map { "\(key) \($0)" } ?? key.z85
        }
    }

    package var entries: [Entry]

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// - Throws: ``ZeroMQError`` that names the file, and the line that is not an entry.
    package init(path: String) throws {
        try self.init(parsing: try TextFile.read(path).text, from: path)
    }

    /// - Parameter source: what errors call the text.
    package init(parsing text: String, from source: String) throws {
        entries = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmed
            // Z85 has a # too, so a comment is told from a key by its length being another.
            if line.isEmpty || Self.isComment(line) { continue }
            let parts = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            do {
                let key = try CurvePublicKey(z85: String(parts[0]))
                entries.append(Entry(key: key, name: parts.count > 1 ? String(parts[1].trimmed) : nil))
            } catch {
                throw ZeroMQError(explaining: "\(source), line \(index + 1): \(error)")
            }
        }
    }

    package var keys: Set<CurvePublicKey> { Set(entries.map(\.key)) }

    /// What the peer with this key is called, if the list says.
    package func name(of key: CurvePublicKey) -> String? {
        entries.first { $0.key == key }?.name
    }

    private static func isComment(_ line: some StringProtocol) -> Bool {
        guard line.hasPrefix("#") else { return false }
        let first = line.prefix { !$0.isWhitespace }
        return (try? CurvePublicKey(z85: String(first))) == nil
    }
}
