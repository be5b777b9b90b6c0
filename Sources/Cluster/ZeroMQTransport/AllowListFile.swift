import ClusterProtocol
import Glibc
import SystemErrors

/// The file of an ``AllowList``, which operators, the program and a running coordinator share.
package struct AllowListFile: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The list; an empty one where there is no file.
    ///
    /// - Throws: ``ZeroMQError`` that names the file when it cannot be read.
    package func read() throws -> AllowList {
        guard access(path, F_OK) == 0 else { return AllowList() }
        return try AllowList(path: path)
    }

    /// Adds a line for a key; the file appears whole, or is as it was.
    ///
    /// - Returns: what is on the list already under this key, and stays so; nil when it was added.
    /// - Throws: ``ZeroMQError``, `SystemError`.
    package func add(_ entry: AllowList.Entry) throws -> AllowList.Entry? {
        try changing { text in
            if let known = AllowList(parsing: text, from: path).entries.first(where: { $0.key == entry.key }) {
                return known
            }
            if text.isEmpty { text = Self.heading }
            if let last = text.last, !last.isNewline { text += "\n" }
            text += entry.line + "\n"
            return nil
        }
    }

    /// Makes the file, with nobody on the list, where there is none.
    package func makeIfMissing() throws {
        guard access(path, F_OK) != 0 else { return }
        try changing { if $0.isEmpty { $0 = Self.heading } }
    }

    /// Takes a key off the list.
    ///
    /// - Returns: whether it was on it.
    /// - Throws: ``ZeroMQError``, `SystemError`.
    package func remove(_ key: CurvePublicKey) throws -> Bool {
        try changing { text in
            var isFound = false
            let lines = text.lines.flatMap { line -> [String] in
                let entries = AllowList(parsing: String(line), from: path).entries
                guard entries.contains(where: { $0.key == key }) else { return [String(line)] }
                isFound = true
                return entries.filter { $0.key != key }.map(\.line)
            }
            if isFound { text = lines.joined(separator: "\n") }
            return isFound
        }
    }

    private static let heading =
        "# Public keys of workers and clients: one a line, then role=worker, client or admin (which all are that say\n"
        + "# nothing) and a name, or as in FILE.pub.\n"
        + "# A running coordinator takes changes up by itself; orchestrion keys allow adds a line.\n"

    /// Reads, changes and replaces the file, while no other process that goes this way does.
    private func changing<Result>(_ change: (inout String) throws -> Result) throws -> Result {
        let lock = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw SystemError(Self.folder(of: path)) }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 {
            guard errno == EINTR else { throw SystemError(Self.folder(of: path)) }
        }
        let before = access(path, F_OK) == 0 ? try TextFile.read(path).text : ""
        var text = before
        let result = try change(&text)
        if text != before { try OutputFile.replace(path, with: Array(text.utf8)) }
        return result
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// What tells one state of the file from another.
    struct Stamp: Equatable {
        private let values: [Int]

        init(_ path: String) {
            var status = stat()
            values =
                stat(path, &status) == 0
                ? [Int(status.st_ino), Int(status.st_size), Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
                : []
        }
    }
}

/// Notices that a file of allowed keys has changed.
struct AllowListFollower {
    private let file: AllowListFile
    private let log: (String) -> Void
    private var allowed: [CurvePublicKey: PeerRoles]
    private var stamp: AllowListFile.Stamp?
    private var nextLook: ContinuousClock.Instant?

    private static let interval = Duration.seconds(1)

    /// - Parameter allowed: who is let in now.
    init(_ file: AllowListFile, allowed: [CurvePublicKey: PeerRoles], log: @escaping (String) -> Void) {
        self.file = file
        self.allowed = allowed
        self.log = log
    }

    /// The keys that the file has now, with their roles; nil while nothing has changed, or it cannot be read.
    mutating func changes(now: ContinuousClock.Instant) -> [CurvePublicKey: PeerRoles]? {
        if let nextLook, now < nextLook { return nil }
        nextLook = now + Self.interval
        let found = AllowListFile.Stamp(file.path)
        guard found != stamp else { return nil }
        let list: AllowList
        do {
            list = try AllowList(path: file.path)
        } catch {
            stamp = found
            log("warning: \(error); the keys that were allowed before still are")
            return nil
        }
        // Whoever read the list first has told what is wrong with it.
        if stamp != nil { for fault in list.faults { log("warning: \(fault); the other lines count") } }
        stamp = found
        let roles = list.roles
        guard roles != allowed else { return nil }
        for entry in list.entries where allowed[entry.key] != roles[entry.key] {
            let name = entry.name.map { " (\($0))" } ?? ""
            let role = entry.roles == .admin ? "" : " as \(entry.roles.text)"
            log("allows the key \(entry.key)\(name)\(role)")
        }
        for key in allowed.keys where roles[key] == nil { log("does not allow the key \(key) any more") }
        allowed = roles
        return allowed
    }
}
