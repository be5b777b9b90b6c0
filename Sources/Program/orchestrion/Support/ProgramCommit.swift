import ClusterProtocol
import Foundation

/// The commit that an installed program was built from. `Scripts/package` writes it into `share/orchestrion/commit`, next to the
/// program's `bin`: a compiler would have to build all again to learn it.
enum ProgramCommit {
    /// The longest name of a commit: SHA-256 in hexadecimal digits.
    private static let longest = 64

    /// What `--version` says: the release, and the commit where it is known.
    static var version: String { "\(ProgramVersion.current) (\(name.map { "commit \($0)" } ?? "unknown commit"))" }

    /// Where it is when it is there.
    private static var place: URL {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return program.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("share/orchestrion/commit")
    }

    /// The file that says it; nil where the program was built by hand.
    static var file: String? { FileManager.default.fileExists(atPath: place.path) ? place.path : nil }

    /// Nil where the program was built by hand, or where the file does not hold a commit.
    private static var name: String? {
        guard let reader = try? FileHandle(forReadingFrom: place), let start = try? reader.read(upToCount: longest + 2)
        else { return nil }
        let line = String(decoding: start.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return named(line)
    }

    /// Whether a line names a commit: hexadecimal digits, and `+` where files had been changed since.
    private static func named(_ line: String) -> String? {
        let digits = line.hasSuffix("+") ? line.dropLast() : line[...]
        guard (7...longest).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            return nil
        }
        return line
    }
}
