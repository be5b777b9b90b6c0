import GRDB

/// Which file has a name.
package enum FileIdentity: Sendable, Hashable {
    case none
    /// The disk does not say just now.
    case unknown
    case file(device: UInt64, number: UInt64)

    /// Whether a name is known to have another file now, or none. What a failing disk does not say proves nothing.
    func differs(from former: FileIdentity) -> Bool { self != former && self != .unknown && former != .unknown }
}

/// A journal's file and lock while they are open, and which files had their names then.
struct OpenedFile: Sendable {
    private(set) var database: DatabaseQueue
    private var lock: any Sendable
    private var file: FileIdentity
    private var lockFile: FileIdentity

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
        !disk.identity(StateLock.path(folder)).differs(from: lockFile)
    }

    func isInPlace(_ folder: String, on disk: any JournalDisk) -> Bool {
        isLockInPlace(folder, on: disk) && !disk.identity(Journal.path(folder)).differs(from: file)
    }
}
