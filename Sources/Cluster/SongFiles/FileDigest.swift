import Digest
import SystemErrors

/// Hashes of whole files, read in pieces.
package enum FileDigest {
    /// SHA-256 as 64 hexadecimal characters.
    ///
    /// - Throws: `SystemError` when the file cannot be read.
    package static func sha256(_ path: String) throws -> String {
        let stream = Digest.SHA256Stream()
        try InputFile(path).forEachPiece { piece in piece.withUnsafeBytes { stream.update($0) } }
        return stream.finish()
    }
}
