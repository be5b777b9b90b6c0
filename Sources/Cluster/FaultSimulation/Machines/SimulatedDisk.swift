import CSimulatedDisk
import CoordinatorCore
import Journal
import Synchronization
import SystemErrors

#if canImport(Glibc)
    import Glibc
#endif

/// The coordinator's disk: SQLite reads and writes it through a VFS of its own. What was not synced may be lost.
final class SimulatedDisk: JournalDisk, @unchecked Sendable {  // a simulation has one thread
    struct Counts: Sendable, Hashable {
        var writes = 0
        var syncs = 0
        var refusedFull = 0
        var refusedError = 0
        var lost = 0
        var torn = 0
        var flipped = 0
    }

    /// What may fail.
    struct Calls: OptionSet, Sendable, Hashable {
        let rawValue: Int32
        static let reads = Calls(rawValue: 1)
        static let writes = Calls(rawValue: 2)
        static let syncs = Calls(rawValue: 4)
    }

    private static let made = Atomic(0)
    private let name: String
    private let disk: OpaquePointer
    private let clock: VirtualClock
    private(set) var isFull = false

    /// - Throws: when SQLite does not take it.
    init(_ clock: VirtualClock) throws {
        self.clock = clock
        name = "simulated-disk-\(Self.made.add(1, ordering: .relaxed).newValue)"
        guard let disk = sd_create(name) else { throw SimulationError("SQLite takes no disk of a simulation") }
        self.disk = disk
    }

    deinit { sd_destroy(disk) }

    var counts: Counts {
        let own = sd_counted(disk)
        return Counts(
            writes: Int(own.writes), syncs: Int(own.syncs), refusedFull: Int(own.refused_full),
            refusedError: Int(own.refused_error), lost: Int(own.lost), torn: Int(own.torn), flipped: Int(own.flipped))
    }

    // MARK: The process

    /// Whether the process that uses it has died.
    var isDead: Bool { sd_is_dead(disk) != 0 }

    func kill() { sd_kill(disk) }

    /// The process dies at a change of the disk.
    ///
    /// - Parameter half: half of the write is done; a sync is done.
    func die(afterChanges count: Int, half: Bool) { sd_die_after(disk, Int64(count), half ? 1 : 0) }

    func revive() { sd_revive(disk) }
    func cutPower(_ seed: UInt64) { sd_cut_power(disk, seed) }

    // MARK: Faults

    func setFull(_ isFull: Bool) {
        self.isFull = isFull
        sd_set_full(disk, isFull ? 1 : 0)
    }

    func fail(_ count: Int, _ calls: Calls) { sd_set_failing(disk, Int32(count), calls.rawValue) }

    /// Changes bits at one place where a file has these bytes.
    ///
    /// - Returns: false when they are nowhere in it.
    func flip(_ bits: UInt8, at place: Int, of bytes: [UInt8], in path: String) -> Bool {
        let start = sd_place(disk, path, bytes, bytes.count)
        guard start >= 0 else { return false }
        sd_flip(disk, path, Int(start) + place, bits)
        return true
    }

    /// Of all files.
    var size: Int {
        var (sum, number) = (0, Int32(0))
        while let path = sd_path(disk, number) {
            var count = 0
            _ = sd_bytes(disk, path, &count)
            sum += count
            number += 1
        }
        return sum
    }

    // MARK: JournalDisk

    func database(_ path: String) -> String { "file:\(path)?vfs=\(name)" }
    func makeFolder(_ path: String) throws {}
    func lock(_ folder: String) throws(JournalError) -> any Sendable { 0 }
    func exists(_ path: String) -> Bool { sd_exists(disk, path) != 0 }
    func identity(_ path: String) -> FileIdentity { exists(path) ? .file(device: 0, number: 0) : .none }
    func read(_ path: String) throws -> [UInt8] {
        var count = 0
        guard let start = sd_bytes(disk, path, &count) else { return [] }
        return Array(UnsafeBufferPointer(start: start, count: count))
    }
    func copy(_ path: String, to target: String) throws { try check(sd_copy(disk, path, target), target) }
    func rename(_ path: String, to target: String) throws { try check(sd_rename(disk, path, target), target) }
    func remove(_ path: String) { sd_remove(disk, path) }
    func synchronize(_ path: String) throws { try check(sd_sync(disk, path), path) }
    func synchronizeFolder(of path: String) { sd_sync_names(disk) }
    func obstacle(beside path: String) -> SystemError? { isFull ? SystemError(path, code: ENOSPC) : nil }
    var wallTime: Double { clock.wallOffset + clock.seconds }
    var steadyTime: Double { clock.seconds }

    func names(in folder: String) -> [String] {
        var (names, number) = ([String](), Int32(0))
        while let path = sd_path(disk, number) {
            let text = String(cString: path)
            if text.hasPrefix(folder + "/") { names.append(String(text.dropFirst(folder.count + 1))) }
            number += 1
        }
        return names
    }

    private func check(_ code: Int32, _ path: String) throws {
        if code != 0 { throw SystemError(path, code: code) }
    }
}

/// A simulation that cannot be made, or a rule that was broken in it.
package struct SimulationError: Error, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}
