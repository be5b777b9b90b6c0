package import Foundation
package import Tensor

/// The memory of a prior's packed matrices: in a file beside the model, mapped, so that a second worker on the machine
/// shares its pages and starts at once.
///
/// The file is made on first use. It is 64-byte aligned blobs, an index as JSON, the index's length and a magic number;
/// its name has the fingerprint, and it appears under that name only when all of it is on the disk. It is never read by
/// another profile, other weights or another release of the layout, which are all part of the fingerprint or the magic.
package final class PackedStore: @unchecked Sendable {  // written by the one thread that loads the prior
    private struct Index: Codable {
        var fingerprint: String
        /// Name → offset and count in bytes.
        var blobs: [String: [Int]]
    }

    private static let magic: UInt64 = 0x3130_6B63_6170_726F  // "orpack01"
    private static let alignment = 64

    private let mapping: Mapping
    private let descriptor: Int32?
    private let file: URL
    private var index: Index
    private var used = 0

    /// Whether the blobs are there already.
    package var isComplete: Bool { descriptor == nil }

    private init(mapping: Mapping, descriptor: Int32?, file: URL, index: Index) {
        (self.mapping, self.descriptor, self.file, self.index) = (mapping, descriptor, file, index)
    }

    deinit { if let descriptor { close(descriptor) } }

    /// The store of a fingerprint in a folder; nil when there is none that is whole.
    package static func existing(_ file: URL, fingerprint: String) -> PackedStore? {
        guard let mapping = Mapping(reading: file.path), mapping.count > 16,
            mapping.load(at: mapping.count - 8) == magic
        else { return nil }
        let length = Int(truncatingIfNeeded: mapping.load(at: mapping.count - 16))
        guard length > 0, length <= mapping.count - 16 else { return nil }
        let json = Data(bytes: mapping.base + (mapping.count - 16 - length), count: length)
        guard let index = try? JSONDecoder().decode(Index.self, from: json), index.fingerprint == fingerprint,
            index.blobs.values.allSatisfy({
                $0.count == 2 && $0[0] >= 0 && $0[0] % alignment == 0 && $0[1] >= 0
                    && $0[1] <= mapping.count - 16 - length - $0[0]
            })
        else { return nil }
        return PackedStore(mapping: mapping, descriptor: nil, file: file, index: index)
    }

    /// An empty store that becomes `file` with `finish`; nil when the folder cannot be written or its disk lacks room.
    ///
    /// - Parameter capacity: bytes that all blobs take at most.
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
        guard ftruncate(descriptor, capacity) == 0, let mapping = Mapping(writing: descriptor, count: capacity) else {
            close(descriptor)
            return nil
        }
        return PackedStore(
            mapping: mapping, descriptor: descriptor, file: file, index: Index(fingerprint: fingerprint, blobs: [:]))
    }

    /// O_TMPFILE, which Swift does not import.
    private static let temporaryFile: Int32 = 0o20000000 | O_DIRECTORY

    /// The memory of a blob: filled already, or to be filled by the caller now.
    package func memory(_ name: String, count: Int) -> PackedMemory {
        if isComplete {
            guard let place = index.blobs[name], place[1] == count else {
                preconditionFailure("\(file.path) lacks \(name) of \(count) bytes; delete it and start again")
            }
            return PackedMemory(buffer: buffer(at: place[0], count: count), isFilled: true)
        }
        guard count <= mapping.count - used else { return .fresh(count) }
        index.blobs[name] = [used, count]
        defer { used += (count + Self.alignment - 1) / Self.alignment * Self.alignment }
        return PackedMemory(buffer: buffer(at: used, count: count), isFilled: false)
    }

    private func buffer(at offset: Int, count: Int) -> Buffer<UInt8> {
        Buffer(
            borrowing: UnsafeMutablePointer(mutating: (mapping.base + offset).assumingMemoryBound(to: UInt8.self)),
            count: count, of: mapping)
    }

    /// Puts a store that was created on the disk under its name; other stores beside it with the same beginning are
    /// outdated and go. Takes as long as the disk does, and may fail, which costs only the next start's time.
    package func finish(replacing prefix: String) {
        guard let descriptor, let json = try? JSONEncoder().encode(index) else { return }
        var tail = json
        withUnsafeBytes(of: UInt64(json.count)) { tail.append(contentsOf: $0) }
        withUnsafeBytes(of: Self.magic) { tail.append(contentsOf: $0) }
        let written = tail.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, used) }
        guard written == tail.count, ftruncate(descriptor, used + tail.count) == 0, fsync(descriptor) == 0 else {
            return
        }
        let folder = file.deletingLastPathComponent()
        let outdated = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        guard linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, file.path, AT_SYMLINK_FOLLOW) == 0 else {
            return
        }
        for name in outdated where name.hasPrefix(prefix) && name.hasSuffix(".packed") && name != file.lastPathComponent
        {
            unlink(folder.appendingPathComponent(name).path)
        }
    }
}

/// Pages of a file.
private final class Mapping: @unchecked Sendable {  // the address and count never change
    let base: UnsafeRawPointer
    let count: Int

    init?(reading path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0,
            let base = mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED | Self.populate, descriptor, 0),
            base != MAP_FAILED
        else { return nil }
        self.base = UnsafeRawPointer(base)
        count = Int(status.st_size)
    }

    init?(writing descriptor: Int32, count: Int) {
        guard let base = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            return nil
        }
        self.base = UnsafeRawPointer(base)
        self.count = count
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: base), count) }

    func load(at offset: Int) -> UInt64 { base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }

    /// MAP_POPULATE: page tables at once rather than a fault for every few pages.
    private static let populate: Int32 = 0x8000
}
