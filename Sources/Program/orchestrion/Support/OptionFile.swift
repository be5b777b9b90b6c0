import ArgumentParser
import Foundation

/// Small files that options name, and why they cannot be read.
enum OptionFile {
    /// The content of a file or pipe.
    ///
    /// - Parameters:
    ///   - option: which names it, for messages.
    ///   - most: bytes.
    /// - Throws: `ValidationError` with the reason.
    static func content(of path: String, option: String, most: Int = 1 << 20) throws -> Data {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = errno == ENOENT ? "there is no file \(path)" : "\(path) cannot be read: \(systemReason)"
            throw ValidationError("--\(option): \(reason)")
        }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw ValidationError("--\(option): \(path) is a folder; name a file in it")
        }
        var data = Data()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while data.count <= most {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ValidationError("--\(option): \(path) cannot be read: \(systemReason)") }
            if count == 0 { return data }
            data.append(contentsOf: piece[..<count])
        }
        throw ValidationError(
            "--\(option): \(path) is larger than \(Terminal.bytes(most)), too large for what it should be")
    }

    private static var systemReason: String { String(cString: strerror(errno)) }
}
