import Glibc
import SystemErrors

/// Small text files of an operator: keys and lists of keys.
enum TextFile {
    /// Far more than any list of keys needs.
    static let maximumSize = 4 << 20

    /// The file's text and its permission bits.
    static func read(_ path: String) throws -> (text: String, mode: mode_t) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("read", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ZeroMQError(explaining: "\(path) is not a file")
        }
        guard status.st_size <= maximumSize else {
            throw ZeroMQError(
                explaining: "\(path) is too large to be a list of keys: \(status.st_size) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let result = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if result < 0 && errno == EINTR { continue }
            guard result >= 0 else { throw failure("read", path) }
            if result == 0 { break }
            count += result
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw ZeroMQError(explaining: "\(path) is not text")
        }
        return (text, status.st_mode & 0o7777)
    }

    /// Makes a new file, which appears under its name when all of it is on the disk; one that exists is an error, not
    /// replaced.
    static func create(_ path: String, mode: mode_t, text: String) throws {
        let part = "\(path).partial-\(getpid())"
        unlink(part)
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError(path) }
        defer { unlink(part) }
        let bytes = Array(text.utf8)
        // The mask of the process may have taken bits away, but never added any.
        let written = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let error = written ? nil : SystemError(path)
        guard close(descriptor) == 0 || errno == EINTR else { throw SystemError(path) }
        if let error { throw error }
        guard link(part, path) != 0 else { return OutputFolder.synchronize(containing: path) }
        let code = errno
        var status = stat()
        guard code != EEXIST, lstat(path, &status) != 0 else {
            throw ZeroMQError(explaining: "\(path) exists already; remove it or write to another file")
        }
        // Some file systems have no second names.
        guard [EPERM, ENOTSUP, ENOSYS, EMLINK].contains(code), rename(part, path) == 0 else {
            throw SystemError(path, code: code)
        }
        OutputFolder.synchronize(containing: path)
    }

    static func remove(_ path: String) { unlink(path) }

    private static func failure(_ verb: String, _ path: String) -> ZeroMQError {
        let code = errno
        return ZeroMQError(explaining: "cannot \(verb) \(path): \(String(cString: strerror(code)))", systemCode: code)
    }
}
