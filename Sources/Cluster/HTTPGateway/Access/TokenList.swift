import Digest
import Foundation
import Synchronization
import SystemErrors

/// A file of tokens that let clients in over HTTP: one a line, as the SHA-256 of the token, its role and its name. Whoever
/// reads the file cannot use what is in it.
package struct TokenList: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// SHA-256 of the token, in hexadecimal.
        package var digest: String
        package var role: TokenRole
        package var name: String

        package init(token: String, role: TokenRole, name: String) {
            (digest, self.role, self.name) = (TokenList.digest(token), role, name)
        }

        init?(line: Substring) {
            let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard parts.count == 3, parts[0].utf8.count == 64, parts[0].allSatisfy(\.isHexDigit),
                let role = TokenRole(rawValue: parts[1]), TokenList.isName(parts[2])
            else { return nil }
            (digest, self.role, name) = (parts[0].lowercased(), role, parts[2])
        }

        package var line: String { "\(digest) \(role.rawValue) \(name)" }
    }

    package private(set) var entries: [Entry] = []
    /// Lines that are none of a list.
    package private(set) var faults: [String] = []

    package init(text: String, source: String) {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            if let entry = Entry(line: line) {
                entries.append(entry)
            } else {
                faults.append(
                    "\(source), line \(number + 1) is not DIGEST ROLE NAME; orchestrion tokens new writes such")
            }
        }
    }

    package var text: String { Self.heading + entries.map { $0.line + "\n" }.joined() }

    private static let heading =
        "# Tokens for the HTTP API: SHA-256, role (viewer, editor, admin), name. orchestrion tokens new adds one.\n"

    package mutating func add(_ entry: Entry) { entries.append(entry) }

    /// - Returns: whether there was one of that name.
    package mutating func remove(name: String) -> Bool {
        let count = entries.count
        entries.removeAll { $0.name == name }
        return entries.count < count
    }

    /// The entry of a token.
    package func entry(of token: String) -> Entry? {
        let digest = Self.digest(token)
        return entries.first { $0.digest == digest }
    }

    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x21...0x7E).contains($0) || $0 == 0x20 } && !name.hasPrefix(" ")
    }

    /// A new token: 256 bits by chance.
    package static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return "orc_"
            + (0..<4).map { _ in
                let word = String(generator.next(), radix: 16)
                return String(repeating: "0", count: 16 - word.count) + word
            }.joined()
    }

    static func digest(_ token: String) -> String { Array(token.utf8).withUnsafeBytes { Digest.sha256($0) } }
}

/// The list as a file that operators change while a gateway runs.
package final class TokenFile: Sendable {
    package let path: String
    private struct State {
        var list: TokenList
        var stamp: String
        var looked: ContinuousClock.Instant
    }
    private let state: Mutex<State>

    /// Seconds after which a change of the file counts.
    private static let patience = Duration.seconds(1)

    /// - Throws: `SystemError` when it cannot be read.
    package init(path: String) throws {
        self.path = path
        state = Mutex(State(list: try Self.read(path), stamp: Self.stamp(path), looked: .now))
    }

    /// What is in the file now. A file that cannot be read any more lets nobody in.
    package var list: TokenList {
        state.withLock { state in
            guard state.looked.duration(to: .now) > Self.patience else { return state.list }
            state.looked = .now
            let stamp = Self.stamp(path)
            if stamp != state.stamp {
                (state.list, state.stamp) = ((try? Self.read(path)) ?? TokenList(text: "", source: path), stamp)
            }
            return state.list
        }
    }

    /// - Throws: `SystemError`.
    package static func read(_ path: String) throws -> TokenList {
        let file = try InputFile(path)
        let bytes = try file.bytes(at: 0, count: min(file.size, 1 << 20))
        return TokenList(text: String(decoding: bytes, as: UTF8.self), source: path)
    }

    private static func stamp(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "none" }
        return "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)"
    }
}
