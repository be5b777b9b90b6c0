import Digest
package import Foundation
import Synchronization
import SystemErrors

/// Files that the gateway keeps for a while, in a folder of its own: their names are numbers, whatever clients call them.
package final class Spool: Sendable {
    private let folder: URL
    /// Bytes that may lie here at a time.
    private let quota: Int
    private let state = Mutex((used: 0, next: 0))

    /// - Parameter folder: what is in it from an earlier run is removed.
    /// - Throws: `SystemError`.
    package init(folder: URL, quota: Int = 8 << 30) throws {
        (self.folder, self.quota) = (folder, quota)
        try? FileManager.default.removeItem(at: folder)
        try OutputFolder.make(folder.path)
    }

    /// A file that was received.
    struct Spooled: Sendable {
        let path: String
        let size: Int
        /// SHA-256.
        let digest: String
        fileprivate let release: @Sendable () -> Void

        func bytes(at offset: Int, count: Int) throws -> [UInt8] { try InputFile(path).bytes(at: offset, count: count) }

        func discard() {
            unlink(path)
            release()
        }
    }

    /// - Throws: `Problem` for a body beyond the limit, or no room; `SystemError`.
    func receive(_ body: HTTPBody, limit: Int) async throws -> Spooled {
        guard body.length ?? 0 <= limit else { throw HTTPBody.tooLarge(limit) }
        let path = state.withLock { state in
            state.next += 1
            return folder.appendingPathComponent("\(state.next)").path
        }
        let writer = try SpoolWriter(path: path)
        do {
            while let piece = try await body.next() {
                guard writer.size + piece.count <= limit else { throw HTTPBody.tooLarge(limit) }
                try reserve(piece.count, for: writer)
                try writer.write(piece)
            }
        } catch {
            unlink(path)
            give(back: writer.size)
            throw error
        }
        let size = writer.size
        return Spooled(path: path, size: size, digest: writer.finish()) { [self] in give(back: size) }
    }

    private func reserve(_ count: Int, for writer: SpoolWriter) throws {
        try state.withLock { state in
            guard state.used + count <= quota else {
                throw Problem(
                    .tooManyRequests, "too many files are being received just now; try again later",
                    fields: ["Retry-After": "\(Problem.pause)"])
            }
            state.used += count
        }
    }

    private func give(back count: Int) { state.withLock { $0.used -= count } }
}

/// Writes and hashes one file.
private final class SpoolWriter {
    private let output: OutputFile
    private let hash = Digest.SHA256Stream()
    private(set) var size = 0

    init(path: String) throws {
        output = try OutputFile(path, isNew: true)
    }

    func write(_ bytes: [UInt8]) throws {
        // Counted before it is written, as it is reserved.
        size += bytes.count
        try bytes.withUnsafeBytes {
            try output.write($0)
            hash.update($0)
        }
    }

    func finish() -> String {
        try? output.close()
        return hash.finish()
    }
}
