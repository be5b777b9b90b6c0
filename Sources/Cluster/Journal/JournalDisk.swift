import Foundation
package import SystemErrors

/// Where a journal's files lie, and what time it is there: the system's disks (`SystemDisk`), or one of a simulation.
package protocol JournalDisk: Sendable {
    /// The name by which SQLite opens a file.
    func database(_ path: String) -> String
    func makeFolder(_ path: String) throws
    /// Holds a state folder for this process alone, until what is returned is freed.
    func lock(_ folder: String) throws(JournalError) -> any Sendable
    func exists(_ path: String) -> Bool
    func identity(_ path: String) -> FileIdentity
    /// nil where it is not known.
    func stamp(_ path: String) -> FileStamp?
    /// All of a file.
    func read(_ path: String) throws -> [UInt8]
    /// Replaces a file that is there.
    func copy(_ path: String, to target: String) throws
    /// Replaces a file that is there.
    func rename(_ path: String, to target: String) throws
    /// What is not there, or cannot be removed, is left.
    func remove(_ path: String)
    /// Waits until a file is on the disk.
    func synchronize(_ path: String) throws
    /// The same for the names in its folder.
    func synchronizeFolder(of path: String)
    /// Of the files in a folder; none where it cannot be read.
    func names(in folder: String) -> [String]
    /// Why nothing can be written beside a file; nil when it can.
    func obstacle(beside path: String) -> SystemError?
    /// Seconds since 1970, as people set it.
    var wallTime: Double { get }
    /// Seconds of a clock that nobody sets.
    var steadyTime: Double { get }
}

extension JournalDisk {
    /// Of disks that nobody else writes to.
    package func stamp(_ path: String) -> FileStamp? { nil }
}

/// The disks of this machine.
package struct SystemDisk: JournalDisk {
    private static let start = ContinuousClock.now

    package init() {}

    package func database(_ path: String) -> String { path }

    package func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    package func lock(_ folder: String) throws(JournalError) -> any Sendable { try StateLock(folder: folder) }

    package func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    package func identity(_ path: String) -> FileIdentity {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == ENOENT || errno == ENOTDIR ? .none : .unknown }
        return .file(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    package func stamp(_ path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileStamp(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    package func read(_ path: String) throws -> [UInt8] {
        let file = try InputFile(path)
        return try file.bytes(at: 0, count: file.size)
    }

    package func copy(_ path: String, to target: String) throws {
        try? FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(atPath: path, toPath: target)
    }

    package func rename(_ path: String, to target: String) throws {
        guard Foundation.rename(path, target) == 0 else { throw SystemError(target) }
    }

    package func remove(_ path: String) { unlink(path) }

    package func synchronize(_ path: String) throws { try OutputFile(path).synchronize() }

    package func synchronizeFolder(of path: String) { OutputFolder.synchronize(containing: path) }

    package func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    package func obstacle(beside path: String) -> SystemError? { OutputFile.obstacle(beside: path) }

    package var wallTime: Double { Date().timeIntervalSince1970 }

    package var steadyTime: Double { Self.start.duration(to: .now) / .seconds(1) }
}
