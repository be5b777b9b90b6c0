import Glibc

/// A file that is written; every refusal says which file, and why in plain words.
package final class OutputFile {
    package let path: String
    private var descriptor: Int32

    /// Opens a file for reading and writing, or makes it.
    ///
    /// - Throws: `SystemError`, as everything here.
    package init(_ path: String, isNew: Bool = false) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (isNew ? O_TRUNC : 0), 0o644)
        guard descriptor >= 0 else { throw SystemError(path) }
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Adds bytes where it stands.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard OutputFile.writeAll(bytes, to: descriptor) else { throw SystemError(path) }
    }

    package func write(_ bytes: some Sequence<UInt8>) throws {
        let bytes = ContiguousArray(bytes)
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// - Returns: its size, where it stands now.
    @discardableResult
    package func seekToEnd() throws -> Int { try seek(0, SEEK_END) }

    package func seek(to offset: Int) throws { _ = try seek(offset, SEEK_SET) }

    private func seek(_ offset: Int, _ whence: Int32) throws -> Int {
        let place = lseek(descriptor, offset, whence)
        guard place >= 0 else { throw SystemError(path) }
        return place
    }

    package func truncate(to size: Int) throws {
        guard ftruncate(descriptor, size) == 0 else { throw SystemError(path) }
    }

    /// Waits until it is on the disk.
    package func synchronize() throws {
        // Some places, such as pipes, have nothing to wait for.
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else { throw SystemError(path) }
    }

    package func close() throws {
        guard descriptor >= 0 else { return }
        let result = Glibc.close(descriptor)
        descriptor = -1
        guard result == 0 || errno == EINTR else { throw SystemError(path) }
    }

    /// - Returns: false when the system takes no more; `errno` says why.
    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Writes a whole file, which appears under its name when all of it is on the disk; until then, and after an
    /// error, one that was there stays. What is no file, such as a pipe, is written into.
    package static func replace(_ path: String, with bytes: some Sequence<UInt8>) throws {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(path, code: EISDIR) }
            return try writeInto(path, bytes)
        }
        try replace(path) { try $0.write(bytes) }
    }

    /// Writes a whole file by pieces; it appears as with `replace(_:with:)`.
    ///
    /// - Parameter body: writes all of it.
    package static func replace(_ path: String, _ body: (OutputFile) throws -> Void) throws {
        // What a link names is replaced, and not the link.
        let target = access(path, F_OK) == 0 ? resolved(path) : path
        let part = "\(target).partial-\(getpid())"
        do {
            let file = try OutputFile(part, isNew: true)
            try body(file)
            try file.synchronize()
            try file.close()
            guard rename(part, target) == 0 else { throw SystemError(path) }
            OutputFolder.synchronize(containing: target)
        } catch let error as SystemError {
            unlink(part)
            throw SystemError(path, code: error.code)
        }
    }

    package static func replace(_ path: String, with text: String) throws { try replace(path, with: text.utf8) }

    private static func writeInto(_ path: String, _ bytes: some Sequence<UInt8>) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(path) }
        defer { Glibc.close(descriptor) }
        let bytes = ContiguousArray(bytes)
        guard bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) else { throw SystemError(path) }
    }

    private static func resolved(_ path: String) -> String {
        guard let full = realpath(path, nil) else { return path }
        defer { free(full) }
        return String(cString: full)
    }

    /// Why nothing can be written beside a file, found by trying; nil when it can.
    ///
    /// - Parameter bytes: that must have room.
    package static func obstacle(beside path: String, bytes: Int = 1 << 16) -> SystemError? {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let trial = "\(folder)/.orchestrion-trial-\(getpid())"
        defer { unlink(trial) }
        do {
            let file = try OutputFile(trial, isNew: true)
            try file.write(repeatElement(0, count: bytes))
            try file.synchronize()
            try file.close()
        } catch let error as SystemError {
            return SystemError(path, code: error.code)
        } catch {
            return nil
        }
        var (status, limit) = (stat(), rlimit())
        guard stat(path, &status) == 0, getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
            limit.rlim_cur < rlim_t(Int64.max),
            Int(status.st_size) + bytes > Int(limit.rlim_cur)
        else { return nil }
        return SystemError(path, code: EFBIG)
    }
}
