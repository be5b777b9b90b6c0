@preconcurrency import Glibc

/// What is printed.
package enum StandardOutput {
    /// From now on each line goes out when it is printed, for whoever reads along.
    package static func showLines() { setvbuf(stdout, nil, _IOLBF, 0) }

    /// Sends what is printed on its way.
    ///
    /// - Throws: `SystemError` when some of it could not be written, now or before.
    package static func flush() throws {
        errno = 0
        guard fflush(stdout) == 0, ferror(stdout) == 0 else {
            guard errno == 0 else { throw SystemError("standard output", code: errno) }
            throw SystemError("standard output", code: EIO, reason: "not all could be written; is its disk full?")
        }
    }
}
