import Glibc

/// A file that is read in pieces; every refusal says which file, and why in plain words. It is never mapped: a disk that
/// goes, or a file that somebody cuts short, is then an error and no signal.
package final class InputFile {
    package let path: String
    private let descriptor: Int32
    /// In bytes, when it was opened.
    package let size: Int

    /// Opens a file, and nothing else that a path can lead to.
    ///
    /// - Throws: `SystemError`, as everything here.
    package init(_ path: String) throws {
        self.path = path
        // Not to wait for the other end of a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError(path) }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        size = Int(status.st_size)
        guard isKnown, status.st_mode & S_IFMT == S_IFREG else {
            let code = !isKnown ? errno : status.st_mode & S_IFMT == S_IFDIR ? EISDIR : ESPIPE
            close(descriptor)
            throw SystemError(path, code: code)
        }
    }

    deinit { close(descriptor) }

    /// The bytes there; fewer at the file's end.
    package func bytes(at start: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let read = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(start + filled))
                if read < 0, errno == EINTR { continue }
                guard read >= 0 else { throw SystemError(path) }
                guard read > 0 else { return }
                filled += read
            }
        }
    }

    /// Hands on all of the file, in its order.
    ///
    /// - Throws: `SystemError`, or what `body` throws.
    package func forEachPiece(of size: Int = 1 << 20, _ body: ([UInt8]) throws -> Void) throws {
        var start = 0
        while true {
            let piece = try bytes(at: start, count: size)
            if piece.isEmpty { return }
            start += piece.count
            try body(piece)
        }
    }
}
