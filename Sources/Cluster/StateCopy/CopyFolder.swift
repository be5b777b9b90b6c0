import Foundation
import Journal
import SystemErrors

/// A folder with a copy: `journal.sqlite`, `files/` with what else the state has, `copy.json`. All of it is its owner's alone.
final class CopyFolder: CopyTarget {
    private let folder: String
    private var lock: FolderLock?
    private var identity: CopyIdentity?
    /// In the order of their paths; nil before somebody asked.
    private var listed: [CopiedFile]?
    /// What the journal was marked with last: of another one nothing can be changed.
    private var version: Int32?

    init(_ folder: String) { self.folder = folder }

    func close() { (lock, identity, version) = (nil, nil, nil) }

    static func journal(_ folder: String) -> String { folder + "/journal.sqlite" }
    static func files(_ folder: String) -> String { folder + "/files" }

    private func part(_ part: CopyPart) -> String { "\(folder)/incoming-\(part.rawValue)" }

    func ask(_ request: CopyRequest, _ body: [UInt8]) throws -> CopyReply {
        if case .open(let identity) = request { return try open(identity) }
        guard let identity else { throw CopyError(.damaged, "the first request must be the opening one") }
        switch request {
        case .open: break
        case .list(let path): return CopyReply(files: try list(after: path))
        case .put(let part, let offset): try put(part, offset, body)
        case .takeBase: try takeBase()
        case .takeChanges(let isRepeated): try takeChanges(isRepeated: isRepeated)
        case .takeFile(let file): try take(file)
        case .remove(let path):
            let place = try place(of: path)
            unlink(place)
            // The folders that it was in, as far as they are empty.
            var above = URL(fileURLWithPath: place).deletingLastPathComponent()
            while above.path.count > Self.files(folder).count, rmdir(above.path) == 0 {
                above.deleteLastPathComponent()
            }
        case .mark(let mark):
            try checkTakeover(identity)
            guard mark.identity == identity else { throw CopyError(.foreign, "the mark is another cluster's") }
            try OutputFile.replace(CopyMark.file(folder), with: SmallFile.encode(mark))
        }
        return CopyReply()
    }

    private func open(_ identity: CopyIdentity) throws -> CopyReply {
        try OutputFolder.make(folder)
        chmod(folder, 0o700)
        if lock == nil { lock = try FolderLock(folder) }
        try checkTakeover(identity)
        let mark: CopyMark? = try SmallFile.read(CopyMark.file(folder))
        if let mark, mark.identity.cluster != identity.cluster {
            throw CopyError(
                .foreign,
                "\(folder) has the copy of another cluster (\(mark.identity.cluster)), which would be lost; choose another folder"
            )
        }
        if let mark, mark.identity.generation > identity.generation {
            throw CopyError(
                .fenced, "\(folder) has the copy of a coordinator that went on from this one's; this one is out")
        }
        if mark == nil, FileManager.default.fileExists(atPath: Self.journal(folder)) {
            throw CopyError(
                .foreign,
                "\(folder) has a journal that is no copy, such as that of a coordinator; choose another folder")
        }
        self.identity = identity
        try OutputFolder.make(Self.files(folder))
        for name in [part(.file), part(.journal)] { unlink(name) }
        return CopyReply(
            hasJournal: mark?.hasJournal == true && FileManager.default.fileExists(atPath: Self.journal(folder)))
    }

    private func checkTakeover(_ identity: CopyIdentity) throws { try Self.checkTakeover(folder, identity) }

    /// - Throws: `CopyError` when somebody went on from a copy in a folder, so that the coordinator of an identity is out.
    static func checkTakeover(_ folder: String, _ identity: CopyIdentity) throws {
        guard let other: CopyTakeover = try SmallFile.read(CopyTakeover.file(folder)),
            other.identity.cluster == identity.cluster, other.identity.generation > identity.generation
        else { return }
        throw CopyError(
            .fenced,
            "\(other.host) went on from the copy in \(folder); this coordinator is out, so that there are not two. Its songs go on "
                + "there")
    }

    // MARK: what comes

    private func put(_ part: CopyPart, _ offset: Int, _ body: [UInt8]) throws {
        guard body.count <= CopyLimits.piece, offset >= 0 else { throw CopyError(.damaged, "a piece is too large") }
        let file = try OutputFile(self.part(part), isNew: offset == 0)
        guard try file.seekToEnd() == offset else { throw CopyError(.damaged, "a piece is missing") }
        try file.write(body)
        try file.close()
    }

    private func takeBase() throws {
        let (part, path) = (part(.journal), Self.journal(folder))
        chmod(part, 0o600)
        try OutputFile(part).synchronize()
        for ending in ["-journal", "-wal", "-shm"] { unlink(path + ending) }
        guard rename(part, path) == 0 else { throw SystemError(path) }
        OutputFolder.synchronize(containing: path)
        let first = Int32.random(in: 1..<1 << 30)
        try JournalCopy.mark(path, version: first)
        version = first
    }

    private func takeChanges(isRepeated: Bool) throws {
        let file = try InputFile(part(.journal))
        guard let version else { throw CopyError(.damaged, "changes come before the journal") }
        try JournalCopy.apply(
            file.bytes(at: 0, count: file.size), to: Self.journal(folder), version: version, isRepeated: isRepeated)
        self.version = version &+ 1
        unlink(part(.journal))
    }

    private func place(of path: String) throws -> String {
        guard CopiedFile.isValid(path) else { throw CopyError(.damaged, "\(path) is no file of a state") }
        return "\(Self.files(folder))/\(path)"
    }

    private func take(_ file: CopiedFile) throws {
        let (part, place) = (part(.file), try place(of: file.path))
        if file.size == 0 { try OutputFile(part, isNew: true).close() }
        let output = try OutputFile(part)
        guard try output.seekToEnd() == file.size else {
            throw CopyError(.damaged, "a piece of \(file.path) is missing")
        }
        chmod(part, 0o600)
        let time = timespec(tv_sec: file.seconds, tv_nsec: file.nanoseconds)
        guard utimensat(AT_FDCWD, part, [time, time], 0) == 0 else { throw SystemError(part) }
        try output.synchronize()
        try output.close()
        try OutputFolder.make(URL(fileURLWithPath: place).deletingLastPathComponent().path)
        guard rename(part, place) == 0 else { throw SystemError(place) }
        OutputFolder.synchronize(containing: place)
    }

    // MARK: what there is

    private func list(after path: String) throws -> [CopiedFile] {
        if path.isEmpty { listed = nil }
        let all = listed ?? StateFiles.all(in: Self.files(folder)).sorted { $0.path < $1.path }
        listed = all
        let rest = all.drop { $0.path <= path }
        if rest.isEmpty { listed = nil }
        return Array(rest.prefix(CopyLimits.files))
    }
}

/// The hold of one process on a folder; the kernel lets it go when the process ends.
final class FolderLock {
    private let descriptor: Int32

    /// - Throws: `CopyError` when another has it; `SystemError`.
    init(_ folder: String) throws {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(path) }
        // A file system without locks has none that could be held by another.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(descriptor)
            throw CopyError(.passing, "another process uses the copy in \(folder)")
        }
    }

    deinit { close(descriptor) }
}
