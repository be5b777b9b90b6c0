/// What a coordinator asks of whoever has the copy: in this process, or at the other end of ssh.
enum CopyRequest: Codable, Sendable, Hashable {
    /// The first of a conversation.
    case open(CopyIdentity)
    /// Files that the copy has, in the order of their paths.
    case list(after: String)
    /// A piece of what is taken by the next request of its kind; a piece at 0 begins anew.
    case put(CopyPart, offset: Int)
    /// What was put is the whole journal.
    case takeBase
    /// What was put changes the journal.
    case takeChanges(isRepeated: Bool)
    /// What was put is a file.
    case takeFile(CopiedFile)
    case remove(path: String)
    case mark(CopyMark)
}

enum CopyPart: String, Codable, Sendable, Hashable { case journal, file }

/// A file of a state, as its copy remembers it.
struct CopiedFile: Codable, Sendable, Hashable {
    /// In the state's folder.
    var path: String
    var size: Int
    /// When it was changed last.
    var seconds: Int
    var nanoseconds: Int

    /// Whose file it is; nil for others.
    var song: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "songs" ? String(parts[1]) : nil
    }

    /// Whether a path leads to where a state's files are, and nowhere else.
    static func isValid(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 && !$0.contains("\0")
        }
        return isPlain && parts.count <= 8 && path.utf8.count <= 1000
            && (parts.count == 1 || ["songs", "uploads"].contains(parts[0]))
    }
}

struct CopyReply: Codable, Sendable, Hashable {
    var error: CopyError?
    /// Of `open`: whether there is a journal of this cluster.
    var hasJournal: Bool?
    /// Of `list`; empty after the last.
    var files: [CopiedFile]?
}

/// Who has a copy.
protocol CopyTarget: AnyObject {
    /// - Parameter body: of `put`, at most `CopyLimits.piece` bytes.
    /// - Throws: `CopyError`, `SystemError`, `JournalError`.
    func ask(_ request: CopyRequest, _ body: [UInt8]) throws -> CopyReply
    func close()
}

enum CopyLimits {
    /// Bytes of a piece.
    static let piece = 1 << 20
    /// Files of one answer.
    static let files = 2000
    /// Bytes of a request or reply, without a piece.
    static let words = 4 << 20
}
