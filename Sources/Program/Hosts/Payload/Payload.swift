import Digest
import Foundation
import SystemErrors

/// Files that a host shall have: a folder of its own there, named by what is in it.
package struct Payload: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        /// Below the folder there.
        package var path: String
        /// Here.
        package var source: String
        package var size: Int
        package var sha256: String
        package var isProgram: Bool

        package init(path: String, source: String, size: Int, sha256: String, isProgram: Bool) {
            (self.path, self.source, self.size) = (path, source, size)
            (self.sha256, self.isProgram) = (sha256, isProgram)
        }

        /// As the script there reads it.
        fileprivate var line: String { "\(sha256) \(size) \(isProgram ? "700" : "600") \(path)" }
    }

    /// By their paths.
    package let files: [File]
    /// Of what is in it, names and modes included.
    package let digest: String

    package init(files: [File]) {
        self.files = files.sorted { $0.path < $1.path }
        let text = self.files.map(\.line).joined(separator: "\n")
        digest = Array(text.utf8).withUnsafeBytes { Digest.sha256($0) }
    }

    package var bytes: Int { files.reduce(0) { $0 + $1.size } }
    package var list: String { files.map(\.line).joined(separator: "\n") }
    package var paths: String { files.map(\.path).joined(separator: "\n") }

    /// Bytes that are still to be sent, when so many of each file are there.
    package func missing(_ have: [String: Int]) -> Int {
        files.reduce(0) { $0 + $1.size - Self.offset(of: $1, have) }
    }

    /// Where a file goes on: what is larger than it was is none of its beginnings.
    package static func offset(of file: File, _ have: [String: Int]) -> Int {
        let size = have[file.path] ?? 0
        return size <= file.size ? size : 0
    }
}

/// Digests of this machine's files, kept beside the cluster's file so that a large model is read once.
package final class DigestNotes {
    private struct Note: Codable {
        /// Size, inode and time of the last change.
        var stamp: String
        var sha256: String
    }

    private let path: String
    private var known: [String: Note] = [:]
    private var used: [String: Note] = [:]

    package init(path: String) {
        self.path = path
        if let data = FileManager.default.contents(atPath: path), data.count < 8 << 20 {
            known = (try? JSONDecoder().decode([String: Note].self, from: data)) ?? [:]
        }
    }

    /// - Parameters:
    ///   - name: below the folder there.
    ///   - progress: gets the bytes that were read.
    package func file(
        _ source: String, as name: String, isProgram: Bool = false, progress: (Int) -> Void = { _ in }
    ) throws -> Payload.File {
        guard ShellWord.isOneLine(name) else { throw HostFault("\(source): such a name cannot be copied") }
        let file = try InputFile(source)
        var status = stat()
        guard stat(source, &status) == 0 else { throw SystemError(source) }
        let stamp = "\(status.st_size) \(status.st_ino) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        if let note = known[source], note.stamp == stamp, HostAnswer.isDigest(note.sha256) {
            used[source] = note
        } else {
            let stream = Digest.SHA256Stream()
            try file.forEachPiece { piece in
                piece.withUnsafeBytes { stream.update($0) }
                progress(piece.count)
            }
            used[source] = Note(stamp: stamp, sha256: stream.finish())
        }
        return Payload.File(
            path: name, source: source, size: file.size, sha256: used[source]?.sha256 ?? "", isProgram: isProgram)
    }

    /// Keeps those that were asked for.
    package func save() throws { try OutputFile.replace(path, with: Array(JSONEncoder().encode(used))) }
}
