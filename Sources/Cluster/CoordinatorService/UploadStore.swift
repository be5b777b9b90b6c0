import Foundation
import SongFiles
import Synchronization
import SystemErrors

/// Recordings and codes that clients sent, by what is in them.
package final class UploadStore: Sendable {
    package static let maximumSize: UInt64 = 2 << 30
    /// Bytes of a file after which they are brought to the disk.
    private static let syncSize: UInt64 = 16 << 20
    private let folder: URL
    /// Those that are being hashed: nothing is added to them meanwhile.
    private let hashed = Mutex<Set<URL>>([])

    convenience init(folder: URL) throws {
        self.init(at: folder)
        try makeFolder()
    }

    /// A folder that may not be there yet.
    init(at folder: URL) { self.folder = folder }

    func makeFolder() throws { try OutputFolder.make(folder.path) }

    /// Removes uploads that are older than a day and that no song needs.
    ///
    /// - Returns: how many.
    func removeUnused(_ isNeeded: (String) -> Bool, now: Date = Date()) -> Int {
        var count = 0
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            let path = folder.appendingPathComponent(name).path
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let date = attributes?[.modificationDate] as? Date, now.timeIntervalSince(date) > Self.lifetime,
                !isNeeded(name), unlink(path) == 0
            else { continue }
            count += 1
        }
        return count
    }

    /// Seconds.
    private static let lifetime = 86_400.0

    /// A message in the client's own names for its files, in place of references and of where they lie here.
    func inNamesOfClient(_ message: String, references: [String]) -> String {
        references.reduce(message) { message, reference in
            let name = UploadName.original(of: reference)
            let named = message.replacingOccurrences(of: reference, with: name)
            guard let path = try? locate(reference) else { return named }
            return named.replacingOccurrences(of: path, with: name)
        }
    }

    /// The local file; only uploads can be named from outside.
    func locate(_ reference: String) throws -> String {
        guard reference.hasPrefix(UploadName.scheme) else {
            throw SongError("\(reference) is not here; the client has to send it first")
        }
        let file = reference.dropFirst(UploadName.scheme.count).prefix { $0 != "|" }
        let parts = file.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isValid(digest: parts[0], ending: parts[1]) else {
            throw SongError("\(reference) is not the name of an upload")
        }
        let path = folder.appendingPathComponent(String(file)).path
        guard FileManager.default.fileExists(atPath: path) else {
            let name = UploadName.original(of: reference)
            guard FileManager.default.fileExists(atPath: path + ".part") else {
                throw SongError(
                    "\(name) is not in the coordinator's folder of uploads: it was removed there; submit the song again, which "
                        + "sends it again", .missing)
            }
            throw SongError("\(name) was not sent completely; submit the song again", .missing)
        }
        return path
    }

    /// Whether a file is what the client sent; also where it is none of the client's, or not there.
    ///
    /// - Throws: when it cannot be read.
    func isIntact(_ reference: String) throws -> Bool {
        guard let path = try? locate(reference) else { return true }
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        guard try FileDigest.sha256(path) != name.lowercased() else { return true }
        // So that it can be sent again.
        try? FileManager.default.removeItem(atPath: path)
        return false
    }

    private static func isValid(digest: String, ending: String) -> Bool {
        digest.count == 64 && digest.allSatisfy { $0.isASCII && $0.isHexDigit } && UploadName.isValid(ending: ending)
    }

    /// Adds a piece, and hashes the file when all of it is there.
    ///
    /// - Returns: how much is there, so that a client goes on from there.
    func add(_ upload: UploadPiece) throws -> UInt64 {
        let (have, isAll) = try write(upload)
        if isAll { try complete(upload) }
        return have
    }

    /// Adds a piece.
    ///
    /// - Returns: how much is there, and whether the file must be completed.
    func write(_ upload: UploadPiece) throws -> (have: UInt64, isAll: Bool) {
        guard Self.isValid(digest: upload.digest, ending: upload.ending) else {
            throw SongError("the upload's digest or ending is malformed")
        }
        guard upload.size <= Self.maximumSize, upload.data.count <= FilePiece.size else {
            throw SongError(
                "an upload of \(upload.size) bytes is too large; at most \(Self.maximumSize) bytes can be sent")
        }
        let file = folder.appendingPathComponent("\(upload.digest).\(upload.ending)")
        if FileManager.default.fileExists(atPath: file.path) {
            // It is wanted once more.
            utimes(file.path, nil)
            return (upload.size, false)
        }
        if hashed.withLock({ $0.contains(file) }) { return (upload.size, true) }
        let part = file.appendingPathExtension("part")
        try makeFolder()
        let output = try OutputFile(part.path)
        var have = UInt64(try output.seekToEnd())
        if upload.offset == have, !upload.data.isEmpty, have + UInt64(upload.data.count) <= upload.size {
            do {
                try output.write(upload.data)
                // Now and then, so that the end of a large file does not hold up whatever else the disk is asked for.
                if (have + UInt64(upload.data.count)) / Self.syncSize != have / Self.syncSize {
                    try output.synchronize()
                }
            } catch {
                // What was written of the piece is asked for again.
                try? output.truncate(to: Int(have))
                throw error
            }
            have += UInt64(upload.data.count)
        }
        return (have, have == upload.size)
    }

    /// Looks whether what came is what was announced, which takes a while. Does nothing more for a file that is there.
    func complete(_ upload: UploadPiece) throws {
        let file = folder.appendingPathComponent("\(upload.digest).\(upload.ending)")
        guard !FileManager.default.fileExists(atPath: file.path), hashed.withLock({ $0.insert(file).inserted })
        else { return }
        defer { hashed.withLock { _ = $0.remove(file) } }
        let part = file.appendingPathExtension("part")
        let output = try OutputFile(part.path)
        guard try output.seekToEnd() == Int(upload.size) else {
            throw SongError("the upload has another size than was announced; send it again")
        }
        try complete(part: part, file: file, digest: upload.digest, output: output)
    }

    private func complete(part: URL, file: URL, digest: String, output: OutputFile) throws {
        try output.synchronize()
        guard try FileDigest.sha256(part.path) == digest.lowercased() else {
            try FileManager.default.removeItem(at: part)
            throw SongError("the upload's content does not have the digest that was announced; send it again")
        }
        try FileManager.default.moveItem(at: part, to: file)
    }
}
