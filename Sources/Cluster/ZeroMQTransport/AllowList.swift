package import ClusterProtocol

/// The public keys that a coordinator lets in, as an operator keeps them: a text file with one key a line,
/// after it, if wanted, what it may do (`role=worker`), white space and a name, and comments from `#` at the start of a line. A line may also be as in
/// a file of one public key (`public-key = …`), so that such files can be appended.
package struct AllowList: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var key: CurvePublicKey
        /// For people; nothing depends on it.
        package var name: String?
        /// What its holder may do.
        package var roles: PeerRoles

        package init(key: CurvePublicKey, name: String? = nil, roles: PeerRoles = .admin) {
            self.key = key
            self.name = name
            self.roles = roles
        }

        /// The entry's line in the file.
        package var line: String {
            let role = roles == .admin ? nil : "\(AllowList.roleName)\(roles.text)"
            return [key.z85, role, name].compactMap(\.self).joined(separator: " ")
        }
    }

    package var entries: [Entry]
    /// Lines that are no entries, each with the file, its number and what is wrong. Nobody is let in by them.
    package var faults: [String] = []

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// - Throws: ``ZeroMQError`` that names the file when it cannot be read.
    package init(path: String) throws {
        self.init(parsing: try TextFile.read(path).text, from: path)
    }

    /// - Parameter source: what faults call the text.
    package init(parsing text: String, from source: String) {
        entries = []
        for (index, line) in text.lines.enumerated() {
            do {
                try read(line.trimmed)
            } catch {
                faults.append("\(source), line \(index + 1): \(error)")
            }
        }
    }

    private mutating func read(_ line: Substring) throws {
        let parts = line.split(separator: Self.label, omittingEmptySubsequences: false)
        // Z85 has a # too, so a comment is told from a key by its length being another.
        if line.isEmpty { return }
        if Self.isComment(line) {
            guard parts.dropLast().contains(where: { $0.last?.isLetter == true || $0.last?.isPunctuation == true }),
                !line.dropFirst().trimmed.hasPrefix(KeyFile.publicName)
            else { return }
            throw ZeroMQError(
                explaining: "a key that was appended to a comment does not count; begin a new line before it")
        }
        // A file that was appended to a last line without an end stands in that line, too.
        for (place, part) in parts.enumerated() where place > 0 || !part.trimmed.isEmpty { try readEntry(part.trimmed) }
    }

    private mutating func readEntry(_ text: Substring) throws {
        guard !text.hasPrefix(KeyFile.secretName) else {
            throw ZeroMQError(
                explaining:
                    "a secret key has no place here: remove the line, and make a new pair if others read this file")
        }
        let parts = text.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        guard let first = parts.first else { throw ZeroMQError(explaining: "the key is missing") }
        let key = try CurvePublicKey(z85: String(first))
        var rest = parts.count > 1 ? parts[1].trimmed : ""
        var roles = PeerRoles.admin
        if rest.hasPrefix(Self.roleName) {
            let word = rest.prefix { !$0.isWhitespace }.dropFirst(Self.roleName.count)
            guard let named = PeerRoles(word) else {
                throw ZeroMQError(
                    explaining:
                        "role=\(word.prefix(40)) is none; a key's role is worker, client or admin, or several with "
                        + "commas")
            }
            roles = named
            rest = rest.drop { !$0.isWhitespace }.trimmed
        }
        entries.append(Entry(key: key, name: rest.isEmpty ? nil : String(rest), roles: roles))
    }

    private static let roleName = "role="

    /// What stands before the key in a key file.
    private static var label: Regex<Substring> { /public-key\s*=\s*/ }

    package var keys: Set<CurvePublicKey> { Set(entries.map(\.key)) }

    /// What each key may do; one that stands there twice, what either line says.
    package var roles: [CurvePublicKey: PeerRoles] {
        Dictionary(entries.map { ($0.key, $0.roles) }, uniquingKeysWith: { $0.union($1) })
    }

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
