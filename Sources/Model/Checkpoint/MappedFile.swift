import Foundation

/// A whole file mapped read-only into memory: opening costs no read and no copy, whatever the size.
///
/// The mapping lives as long as the object; whoever keeps a pointer from ``bytes`` keeps the object too.
/// A file that another process shortens while it is mapped makes later reads of the lost pages fail with
/// SIGBUS, as with any mapping; checkpoints are replaced by rename, which is safe.
// Unchecked because of the raw pointer alone: the pages are never written after init.
package final class MappedFile: @unchecked Sendable {
    /// The path as it was given.
    package let path: String
    /// The file's content, valid while this object lives.
    package let bytes: UnsafeRawBufferPointer

    /// Whether the pages can be read from a file again.
    private let isBacked: Bool

    /// The file's size in bytes; never 0.
    package var size: Int { bytes.count }

    /// Maps the file at `path`; throws `CheckpointError` if it is missing, unreadable, no file, or empty.
    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw CheckpointError(
                code == ENOENT ? .missing : .unreadable, path,
                code == ENOENT
                    ? "there is no such file" : "cannot be opened: \(String(cString: strerror(code)))",
                code: code)
        }
        defer { close(descriptor) }
        let size = try MappedFile.regularFileSize(descriptor, path)
        guard size > 0 else {
            throw CheckpointError(.truncated, path, "the file is empty; download or copy it again")
        }
        guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            let code = errno
            throw CheckpointError(
                .unreadable, path, "cannot be mapped (\(size) bytes): \(String(cString: strerror(code)))", code: code)
        }
        self.path = path
        isBacked = true
        self.bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    /// Memory of `size` bytes that no file holds, filled once: for weights that are made rather than read.
    package init(named name: String, size: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(size > 0)
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED
        else { preconditionFailure("out of memory: \(size) bytes were refused") }
        fill(UnsafeMutableRawBufferPointer(start: base, count: size))
        path = name
        isBacked = false
        bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    /// Leaves some bytes' pages to the system's cache: they are read from there when they are wanted again, and do not
    /// count as this process's memory until then.
    package func release(_ range: Range<Int>) {
        guard isBacked, let base = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        if first < end { madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED) }
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    private static func regularFileSize(_ descriptor: Int32, _ path: String) throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CheckpointError(
                .unreadable, path, "its size cannot be read: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CheckpointError(.unreadable, path, "is not a regular file")
        }
        return Int(status.st_size)
    }
}
