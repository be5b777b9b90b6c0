import CFileGuard
import Foundation

/// A file whose tables are looked at where they lie, and whose data is read into memory of the reader's own.
///
/// Opening costs no read and no copy, whatever the size. Others may change or shorten the file meanwhile: a part that is
/// gone reads as zeros (`CFileGuard`) and makes `checkWhole` throw, and `withCopy` gives bytes that nobody else can change,
/// or throws.
///
/// The mapping lives as long as the object; whoever keeps a pointer from ``bytes`` keeps the object too.
// Unchecked because of the raw pointer alone: the pages are never written after init.
package final class MappedFile: @unchecked Sendable {
    /// The path as it was given.
    package let path: String
    /// The file's content, valid while this object lives: for tables.
    package let bytes: UnsafeRawBufferPointer

    /// nil for memory that no file holds.
    private let descriptor: Int32?
    private let guardNumber: Int32

    /// The file's size in bytes when it was opened; never 0.
    package var size: Int { bytes.count }

    /// Opens the file at `path`; throws `CheckpointError` if it is missing, unreadable, no file, or empty.
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
        do {
            let size = try MappedFile.regularFileSize(descriptor, path)
            guard size > 0 else {
                throw CheckpointError(.truncated, path, "the file is empty; download or copy it again")
            }
            guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
                let code = errno
                throw CheckpointError(
                    .unreadable, path, "cannot be mapped (\(size) bytes): \(String(cString: strerror(code)))",
                    code: code)
            }
            self.path = path
            self.descriptor = descriptor
            guardNumber = cfg_guard(base, size)
            bytes = UnsafeRawBufferPointer(start: base, count: size)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Memory of `size` bytes that no file holds, filled once: for weights that are made rather than read.
    package init(named name: String, size: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(size > 0)
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base != MAP_FAILED
        else { preconditionFailure("out of memory: \(size) bytes were refused") }
        fill(UnsafeMutableRawBufferPointer(start: base, count: size))
        path = name
        descriptor = nil
        guardNumber = -1
        bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    deinit {
        cfg_release(guardNumber)
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        if let descriptor { close(descriptor) }
    }

    /// - Throws: `CheckpointError` when a part of ``bytes`` was gone when it was looked at.
    package func checkWhole() throws {
        if cfg_is_lost(guardNumber) != 0 { throw shortened() }
    }

    /// Calls `body` with a part of the file as it is now, in memory that nobody else changes.
    ///
    /// - Throws: `CheckpointError` when the file has become shorter or cannot be read; what `body` throws.
    package func withCopy<Result>(
        of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let descriptor, !range.isEmpty else { return try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 64)
        defer { copy.deallocate() }
        var have = 0
        while have < range.count {
            let count = pread(
                descriptor, copy.baseAddress! + have, min(range.count - have, Self.mostAtOnce),
                off_t(range.lowerBound + have))
            if count > 0 {
                have += count
            } else if count == 0 {
                throw shortened()
            } else if errno != EINTR {
                let code = errno
                throw CheckpointError(
                    .unreadable, path, "cannot be read: \(String(cString: strerror(code)))", code: code)
            }
        }
        return try body(UnsafeRawBufferPointer(copy))
    }

    /// Linux reads at most 2 GiB at a time.
    private static let mostAtOnce = 1 << 30

    private func shortened() -> CheckpointError {
        CheckpointError(
            .truncated, path,
            "has become shorter while it was read (it had \(size) bytes); whoever replaces a model's files should move "
                + "whole ones in their place")
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
