import GRDB

/// A file on a disk, whatever its name is.
package struct FileIdentity: Sendable, Hashable {
    package var device: UInt64
    package var number: UInt64

    package init(device: UInt64, number: UInt64) { (self.device, self.number) = (device, number) }
}

/// A journal's file and lock while they are open, and which files had their names then.
struct OpenedFile: Sendable {
    private(set) var database: DatabaseQueue
    private var lock: any Sendable
    private var file: FileIdentity?
    private var lockFile: FileIdentity?

    init(database: DatabaseQueue, lock: any Sendable, folder: String, on disk: any JournalDisk) {
        (self.database, self.lock) = (database, lock)
        file = disk.identity(Journal.path(folder))
        lockFile = disk.identity(StateLock.path(folder))
    }

    mutating func take(_ database: DatabaseQueue, _ folder: String, on disk: any JournalDisk) {
        (self.database, file) = (database, disk.identity(Journal.path(folder)))
    }

    mutating func take(_ lock: any Sendable, _ folder: String, on disk: any JournalDisk) {
        (self.lock, lockFile) = (lock, disk.identity(StateLock.path(folder)))
    }

    func isLockInPlace(_ folder: String, on disk: any JournalDisk) -> Bool {
        disk.identity(StateLock.path(folder)) == lockFile
    }

    func isInPlace(_ folder: String, on disk: any JournalDisk) -> Bool {
        isLockInPlace(folder, on: disk) && disk.identity(Journal.path(folder)) == file
    }
}
