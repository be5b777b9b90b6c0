import ClusterProtocol
import Digest
package import Foundation
import SystemErrors

/// Recordings and codes that clients sent, by what is in them.
///
/// A song names one as `upload:DIGEST.ENDING|the client's own name for it`.
package struct UploadStore: Sendable {
    package static let maximumSize: UInt64 = 2 << 30
    /// Bytes of a piece, well under the limit of a message.
    package static let pieceSize = 48 << 10
    private static let scheme = "upload:"
    private let folder: URL

    init(folder: URL) throws {
        self.folder = folder
        try OutputFolder.make(folder.path)
    }

    package static func reference(digest: String, ending: String, name: String) -> String {
        "\(scheme)\(digest).\(ending)|\(name)"
    }

    /// The ending that a file keeps here: its own, or `bin` for one that has none or a strange one.
    package static func ending(of file: URL) -> String {
        let own = file.pathExtension.lowercased()
        return isValid(ending: own) ? own : "bin"
    }

    /// A message in the client's own names for its files, in place of references and of where they lie here.
    func inNamesOfClient(_ message: String, references: [String]) -> String {
        references.reduce(message) { message, reference in
            let name = Self.name(of: reference)
            let named = message.replacingOccurrences(of: reference, with: name)
            guard let path = try? locate(reference) else { return named }
            return named.replacingOccurrences(of: path, with: name)
        }
    }

    /// The client's own name for a file.
    package static func name(of reference: String) -> String {
        guard reference.hasPrefix(scheme), let bar = reference.firstIndex(of: "|") else { return reference }
        return String(reference[reference.index(after: bar)...])
    }

    /// The local file; only uploads can be named from outside.
    func locate(_ reference: String) throws -> String {
        guard reference.hasPrefix(Self.scheme) else {
            throw SongError("\(reference) is not here; the client has to send it first")
        }
        let file = reference.dropFirst(Self.scheme.count).prefix { $0 != "|" }
        let parts = file.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isValid(digest: parts[0], ending: parts[1]) else {
            throw SongError("\(reference) is not the name of an upload")
        }
        let path = folder.appendingPathComponent(String(file)).path
        guard FileManager.default.fileExists(atPath: path) else {
            throw SongError("\(Self.name(of: reference)) was not sent completely; submit the song again")
        }
        return path
    }

    private static func isValid(digest: String, ending: String) -> Bool {
        digest.count == 64 && digest.allSatisfy { $0.isASCII && $0.isHexDigit } && isValid(ending: ending)
    }

    private static func isValid(ending: String) -> Bool {
        (1...16).contains(ending.count) && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    /// Takes a piece in; the answer says how much is there, so that a client goes on from there.
    func take(_ upload: WireUpload) throws -> WireUploaded {
        guard Self.isValid(digest: upload.digest, ending: upload.ending) else {
            throw SongError("the upload's digest or ending is malformed")
        }
        guard upload.size <= Self.maximumSize, upload.data.count <= Self.pieceSize else {
            throw SongError(
                "an upload of \(upload.size) bytes is too large; at most \(Self.maximumSize) bytes can be sent")
        }
        let file = folder.appendingPathComponent("\(upload.digest).\(upload.ending)")
        var reply = WireUploaded()
        if FileManager.default.fileExists(atPath: file.path) {
            reply.have = upload.size
            return reply
        }
        let part = file.appendingPathExtension("part")
        let output = try OutputFile(part.path)
        var have = UInt64(try output.seekToEnd())
        if upload.offset == have, !upload.data.isEmpty, have + UInt64(upload.data.count) <= upload.size {
            do {
                try output.write(upload.data)
            } catch {
                // What was written of the piece is asked for again.
                try? output.truncate(to: Int(have))
                throw error
            }
            have += UInt64(upload.data.count)
        }
        reply.have = have
        if have == upload.size { try complete(part: part, file: file, digest: upload.digest, output: output) }
        return reply
    }

    private func complete(part: URL, file: URL, digest: String, output: OutputFile) throws {
        try output.synchronize()
        let data = try Data(contentsOf: part, options: .mappedIfSafe)
        guard data.withUnsafeBytes({ Digest.sha256($0) }) == digest.lowercased() else {
            try FileManager.default.removeItem(at: part)
            throw SongError("the upload's content does not have the digest that was announced; send it again")
        }
        try FileManager.default.moveItem(at: part, to: file)
    }
}
