import ClusterClient
import Foundation
import SongFiles
import Synchronization
import SystemErrors

/// What is made of finished songs: pictures, times of lyrics, other formats. Made once, and kept while there is room.
actor DerivedFiles {
    private let cluster: ClusterAccess
    private let folder: URL
    nonisolated let tools: any SongTools
    /// What is made, by what it is; the newest last.
    private var made: [(key: String, task: Task<DerivedFile, any Error>)] = []
    private var waiting = 0
    /// One at a time: each may use all of the machine.
    private let queue = DispatchQueue(label: "derived")

    /// Things that are kept, and that may wait to be made.
    private static let (mostKept, mostWaiting) = (64, 16)

    /// - Parameter folder: the gateway's own; what is in it from an earlier run is removed.
    init(cluster: ClusterAccess, tools: any SongTools, folder: URL) throws {
        (self.cluster, self.tools, self.folder) = (cluster, tools, folder)
        try? FileManager.default.removeItem(at: folder)
        try OutputFolder.make(folder.path)
    }

    /// Something that is made of a finished song's folder.
    ///
    /// - Parameters:
    ///   - kind: what it is, with all that decides it.
    ///   - wants: the files of the song that it is made of.
    ///   - make: makes the file at the second place of the folder at the first.
    /// - Throws: `Problem` when the song is not finished, too many wait, or it cannot be made.
    func file(
        _ kind: String, of song: String, wants: @escaping @Sendable (String) -> Bool,
        make: @escaping @Sendable (URL, URL) throws -> Void
    ) async throws -> DerivedFile {
        // A song that was removed and submitted again has another size of description or other codes.
        let list = try await cluster.ask { try $0.list(song: song) }
        guard list.files.contains(where: { $0.path == SongFolderLayout.descriptionName }) else {
            throw Problem(
                .conflict, "\(song) is not finished, it is \(list.state); ask again when it is",
                fields: ["Retry-After": "\(Problem.pause)"])
        }
        return try await file("\(song) \(list.files.hashValue) \(kind)", song: song, wants: wants, make: make)
    }

    private func file(
        _ key: String, song: String, wants: @escaping @Sendable (String) -> Bool,
        make: @escaping @Sendable (URL, URL) throws -> Void
    ) async throws -> DerivedFile {
        if let known = made.first(where: { $0.key == key }) { return try await known.task.value }
        try enter()
        let number = UUID().uuidString
        let (source, out) = (
            folder.appendingPathComponent("\(number).song"), folder.appendingPathComponent("\(number).out")
        )
        let (cluster, queue) = (cluster, queue)
        let task = Task {
            defer { try? FileManager.default.removeItem(at: source) }
            _ = try await cluster.askSlowly { try $0.fetch(song: song, into: source, isWanted: wants) }
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                queue.async { continuation.resume(with: Result { try make(source, out) }) }
            }
            return try DerivedFile(path: out.path)
        }
        made.append((key, task))
        if made.count > Self.mostKept { made.removeFirst() }
        defer { waiting -= 1 }
        do {
            return try await task.value
        } catch {
            made.removeAll { $0.key == key }
            if error is ClientError || error is Problem { throw error }
            // The copy's folder says nothing to anybody.
            let reason = error.explanation.replacingOccurrences(of: source.path + "/", with: "song \(song), ")
            throw Problem(.conflict, reason.replacingOccurrences(of: source.path, with: "song \(song)"))
        }
    }

    /// Something that is made of nothing but what was asked.
    func compute<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        try enter()
        defer { waiting -= 1 }
        let queue = queue
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func enter() throws {
        guard waiting < Self.mostWaiting else {
            throw Problem(
                .tooManyRequests, "too much waits to be made just now; try again later",
                fields: ["Retry-After": "\(Problem.pause)"])
        }
        waiting += 1
    }

    /// Audio of a level in another format than the song's.
    func converted(_ request: AudioRequest, _ entry: SongFileEntry, level: Int) async throws -> DerivedFile {
        let (tools, format, path) = (tools, request.format.rawValue, entry.path)
        return try await file("\(format) of \(path)", of: request.song, wants: { $0 == path }) { source, out in
            try tools.convert(source.appendingPathComponent(path), to: format, out: out)
        }
    }
}

/// A file that was made. It goes when nobody needs it any more.
final class DerivedFile: Sendable {
    private let path: String
    let size: Int

    /// - Throws: `SystemError`.
    init(path: String) throws {
        self.path = path
        size = try InputFile(path).size
    }

    deinit { unlink(path) }

    func bytes() throws -> [UInt8] { try InputFile(path).bytes(at: 0, count: size) }

    func response(range: String?, type: String, name: String) throws -> HTTPResponse {
        let file = try InputFile(path)
        let reader = SharedFile(file)
        return .ranged(range, length: size, available: size, type: type, name: name) { [self] part, writer in
            // It must not go before all of it is sent.
            defer { withExtendedLifetime(self) {} }
            for start in stride(from: part.lowerBound, to: part.upperBound, by: FilePiece.size) {
                try await writer.write(reader.bytes(at: start, count: min(FilePiece.size, part.upperBound - start)))
            }
        }
    }

    /// Read by one task at a time.
    private final class SharedFile: Sendable {
        private let file: Mutex<InputFile>
        init(_ file: sending InputFile) { self.file = Mutex(file) }
        func bytes(at start: Int, count: Int) throws -> [UInt8] {
            try file.withLock { try $0.bytes(at: start, count: count) }
        }
    }
}
