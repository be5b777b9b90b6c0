import Glibc

/// A CURVE key or key pair in a small text file:
///
///     # anything
///     public-key = …
///     secret-key = …
///
/// with 40 characters of Z85 each. A file with a secret key is readable by its owner only; one without is for
/// handing out.
package enum KeyFile {
    /// Writes both keys to a new file with mode 0600.
    ///
    /// - Throws: ``ZeroMQError`` if the file exists or cannot be written.
    package static func write(_ pair: CurveKeyPair, to path: String) throws {
        let text = """
            # A secret: whoever can read this file can pose as the key's owner.
            \(publicName) = \(pair.publicKey)
            \(secretName) = \(pair.secretKey)

            """
        try TextFile.create(path, mode: 0o600, text: text)
    }

    /// Writes a public key to a new file that anyone may read.
    ///
    /// - Throws: ``ZeroMQError`` if the file exists or cannot be written.
    package static func write(_ key: CurvePublicKey, to path: String) throws {
        try TextFile.create(path, mode: 0o644, text: "\(publicName) = \(key)\n")
    }

    /// Writes a pair and, beside it, `PATH.pub` for handing out: both or none.
    ///
    /// - Throws: ``ZeroMQError`` if one of them exists, `SystemError` if one cannot be written.
    package static func writeNew(_ pair: CurveKeyPair, to path: String) throws {
        try write(pair, to: path)
        do {
            try write(pair.publicKey, to: path + ".pub")
        } catch {
            TextFile.remove(path)
            throw error
        }
    }

    /// Writes `PATH.pub` of a pair that has none, because its process ended between the two.
    ///
    /// - Throws: `SystemError` if it cannot be written.
    package static func writeMissingHalf(of pair: CurveKeyPair, at path: String) throws {
        guard access(path + ".pub", F_OK) != 0 else { return }
        try write(pair.publicKey, to: path + ".pub")
    }

    /// Reads both keys.
    ///
    /// - Throws: ``ZeroMQError`` that names the file if it cannot be read, can be read by others than its
    ///   owner, or is not a pair of keys.
    package static func readPair(_ path: String) throws -> CurveKeyPair {
        let (text, mode) = try TextFile.read(path)
        let keys = try parse(text, path: path)
        guard let secret = keys.secret else {
            throw ZeroMQError(explaining: "\(path) has no \(secretName); name the file with the secret key")
        }
        guard mode & (isCredential(path) ? 0o027 : 0o077) == 0 else {
            throw ZeroMQError(
                explaining: "\(path) holds a secret key, but others can use the file; run: chmod 600 \(path)")
        }
        return try naming(path) { try CurveKeyPair(publicKey: keys.public, secretKey: secret) }
    }

    /// Whether systemd made the file for this service alone, which it may let the service's group read.
    private static func isCredential(_ path: String) -> Bool {
        guard let folder = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }), folder.count > 1 else {
            return false
        }
        return path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") && !path.contains("/../")
    }

    /// Reads the public key of a file of either kind, or of one that holds nothing but a key.
    ///
    /// - Throws: ``ZeroMQError`` that names the file if it cannot be read or has no public key.
    package static func readPublicKey(_ path: String) throws -> CurvePublicKey {
        let text = try TextFile.read(path).text
        if let key = try? CurvePublicKey(z85: String(text.trimmed)) { return key }
        return try parse(text, path: path).public
    }

    static let publicName = "public-key"
    static let secretName = "secret-key"

    private static func parse(
        _ text: String, path: String
    ) throws -> (public: CurvePublicKey, secret: String?) {
        var values: [String: String] = [:]
        for (index, line) in text.lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            // Z85 has an equals sign too: only the first one separates.
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0].trimmed)
            guard parts.count == 2, name == publicName || name == secretName else {
                throw ZeroMQError(
                    explaining: "\(path), line \(index + 1): expected \(publicName) = … or \(secretName) = …")
            }
            guard values.updateValue(String(parts[1].trimmed), forKey: name) == nil else {
                throw ZeroMQError(explaining: "\(path), line \(index + 1): a second \(name)")
            }
        }
        guard let key = values[publicName] else {
            throw ZeroMQError(explaining: "\(path) has no \(publicName)")
        }
        return (try naming(path) { try CurvePublicKey(z85: key) }, values[secretName])
    }

    private static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw ZeroMQError(explaining: "\(path): \(error)")
        }
    }
}

extension StringProtocol {
    /// The lines, however they end; a mark of the byte order before them is none of the text.
    var lines: [SubSequence] {
        (hasPrefix("\u{FEFF}") ? dropFirst() : self[...])
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }

    /// Without spaces, tabs and line ends at either end.
    var trimmed: SubSequence {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
