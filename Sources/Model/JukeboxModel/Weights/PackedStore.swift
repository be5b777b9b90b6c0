import Digest
package import Foundation
import Synchronization
package import Tensor

/// A prior's packed matrices in a file beside the model, so that the next start reads them instead of packing anew.
///
/// The file is made on first use. It is 64-byte aligned blobs, an index as JSON, the index's hash and length, and a magic
/// number; its name has the fingerprint, and it appears under that name only when all of it is on the disk. It is never
/// read by another profile, other weights or another release of the layout, which are all part of the fingerprint or the
/// magic.
///
/// Weights never lie in the file's pages: others could change or shorten it under a worker. They are read into memory of
/// the process, and each MiB is compared with its hash in the index.
package final class PackedStore: @unchecked Sendable {  // used by one thread at a time: who loads, then who finishes
    /// A store whose content is not what was written.
    package struct Damage: Error, CustomStringConvertible {
        let file: URL
        let what: String

        package var description: String { "\(file.path) is damaged: \(what)" }

        /// Takes the file away, so that another one can be made.
        package func remove() { unlink(file.path) }
    }

    private struct Blob: Codable {
        var offset: Int
        var count: Int
        /// Of each MiB.
        var hashes: [String]
    }

    private struct Index: Codable {
        var fingerprint: String
        var blobs: [String: Blob] = [:]
    }

    private static let magic: UInt64 = 0x3230_6B63_6170_726F  // "orpack02"
    private static let alignment = 64
    private static let block = 1 << 20
    /// The index's hash and length, and the magic number.
    private static let tail = 24

    private let descriptor: Int32
    private let file: URL
    private var index: Index
    /// Whether the blobs are there already.
    package let isComplete: Bool
    /// What is to be written, in order.
    private var waiting: [(name: String, buffer: Buffer<UInt8>)] = []

    private init(descriptor: Int32, file: URL, index: Index, isComplete: Bool) {
        (self.descriptor, self.file, self.index, self.isComplete) = (descriptor, file, index, isComplete)
    }

    deinit { close(descriptor) }

    // MARK: Reading

    /// The store of a fingerprint in a folder; nil when there is none that is whole.
    package static func existing(_ file: URL, fingerprint: String) -> PackedStore? {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard let index = index(descriptor), index.fingerprint == fingerprint else {
            close(descriptor)
            return nil
        }
        return PackedStore(descriptor: descriptor, file: file, index: index, isComplete: true)
    }

    private static func index(_ descriptor: Int32) -> Index? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > tail else { return nil }
        let end = Int(status.st_size) - tail
        var words: [UInt64] = [0, 0, 0]
        guard words.withUnsafeMutableBytes({ read(descriptor, $0, at: end) }), words[2] == magic,
            words[1] > 0, words[1] <= UInt64(end)
        else { return nil }
        var json = Data(count: Int(words[1]))
        let start = end - json.count
        guard json.withUnsafeMutableBytes({ read(descriptor, $0, at: start) }),
            json.withUnsafeBytes({ Digest.short($0) }) == words[0],
            let index = try? JSONDecoder().decode(Index.self, from: json)
        else { return nil }
        let isSound = index.blobs.values.allSatisfy {
            $0.offset >= 0 && $0.offset % alignment == 0 && $0.count >= 0 && $0.count <= start - $0.offset
                && $0.hashes.count == ($0.count + block - 1) / block
        }
        return isSound ? index : nil
    }

    /// - Returns: whether all of it was there.
    private static func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var have = 0
        while have < bytes.count {
            let count = pread(descriptor, bytes.baseAddress! + have, bytes.count - have, off_t(offset + have))
            if count <= 0, !(count < 0 && errno == EINTR) { return false }
            have += max(0, count)
        }
        return true
    }

    /// The memory of a blob: filled already, or to be filled by the caller now.
    ///
    /// - Throws: `Damage`.
    package func memory(_ name: String, count: Int) throws -> PackedMemory {
        let buffer = Buffer<UInt8>(count: count)
        guard isComplete else {
            waiting.append((name, buffer))
            return PackedMemory(buffer: buffer, isFilled: false)
        }
        guard let blob = index.blobs[name], blob.count == count else {
            throw Damage(file: file, what: "it lacks \(name) of \(count) bytes")
        }
        try fill(buffer, blob, name)
        return PackedMemory(buffer: buffer, isFilled: true)
    }

    /// Reads and compares blocks, several at a time.
    private func fill(_ buffer: Buffer<UInt8>, _ blob: Blob, _ name: String) throws {
        let wrong = WrongBlock()
        @Sendable func check(_ number: Int) {
            let begin = number * Self.block
            let part = UnsafeMutableRawBufferPointer(
                start: buffer.pointer + begin, count: min(Self.block, blob.count - begin))
            guard Self.read(descriptor, part, at: blob.offset + begin),
                Digest.fingerprint(UnsafeRawBufferPointer(part)) == blob.hashes[number]
            else { return wrong.number.store(number, ordering: .relaxed) }
        }
        if blob.hashes.count < 4 {
            for number in blob.hashes.indices { check(number) }
        } else {
            DispatchQueue.concurrentPerform(iterations: blob.hashes.count, execute: check)
        }
        let number = wrong.number.load(ordering: .relaxed)
        guard number < 0 else { throw Damage(file: file, what: "MiB \(number) of \(name) is not what was written") }
    }

    /// What threads that look at blocks have found; -1 is nothing.
    private final class WrongBlock: Sendable { let number = Atomic(-1) }

    // MARK: Writing

    /// A new store; nil when there is no room for it, or none can be made there. What is there under its name goes when
    /// this one is finished.
    package static func create(_ file: URL, fingerprint: String, capacity: Int) -> PackedStore? {
        let folder = file.deletingLastPathComponent().path
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0, Int(disk.f_bavail) * Int(disk.f_frsize) > capacity + (1 << 30) else {
            return nil
        }
        // Without a name, so that nothing is left behind by a process that dies.
        let descriptor = open(folder, Self.temporaryFile | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        return PackedStore(
            descriptor: descriptor, file: file, index: Index(fingerprint: fingerprint), isComplete: false)
    }

    /// O_TMPFILE, which Swift does not import.
    private static let temporaryFile: Int32 = 0o20000000 | O_DIRECTORY

    /// Puts a store that was created on the disk under its name; other stores beside it with the same beginning are
    /// outdated and go. Takes as long as the disk does, and may fail, which costs only the next start's time.
    package func finish(replacing prefix: String) {
        guard !isComplete else { return }
        var used = 0
        for (name, buffer) in waiting {
            let bytes = UnsafeRawBufferPointer(start: buffer.pointer, count: buffer.byteCount)
            guard write(bytes, at: used) else { return }
            index.blobs[name] = Blob(offset: used, count: bytes.count, hashes: Self.hashes(bytes))
            used += (bytes.count + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        waiting = []
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let json = try? encoder.encode(index) else { return }
        var end = json
        for word in [json.withUnsafeBytes { Digest.short($0) }, UInt64(json.count), Self.magic] {
            withUnsafeBytes(of: word) { end.append(contentsOf: $0) }
        }
        guard end.withUnsafeBytes({ write($0, at: used) }), fsync(descriptor) == 0 else { return }
        publish(replacing: prefix)
    }

    private func publish(replacing prefix: String) {
        let folder = file.deletingLastPathComponent()
        let outdated = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        // Under its own name at once: what is there may be damaged.
        let interim = file.path + ".\(getpid())"
        unlink(interim)
        guard linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, interim, AT_SYMLINK_FOLLOW) == 0 else { return }
        guard rename(interim, file.path) == 0 else {
            unlink(interim)
            return
        }
        for name in outdated where name.hasPrefix(prefix) && name.hasSuffix(".packed") && name != file.lastPathComponent
        {
            unlink(folder.appendingPathComponent(name).path)
        }
    }

    private static func hashes(_ bytes: UnsafeRawBufferPointer) -> [String] {
        stride(from: 0, to: bytes.count, by: block).map { begin in
            Digest.fingerprint(UnsafeRawBufferPointer(rebasing: bytes[begin..<min(begin + block, bytes.count)]))
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var have = 0
        while have < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress! + have, min(bytes.count - have, 1 << 30), off_t(offset + have))
            if count <= 0, !(count < 0 && errno == EINTR) { return false }
            have += max(0, count)
        }
        return true
    }
}
