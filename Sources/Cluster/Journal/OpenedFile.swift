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

/// What shows that a file was written to.
package struct FileStamp: Sendable, Hashable {
    package var size: Int
    /// When it was changed last.
    package var seconds: Int
    package var nanoseconds: Int
}

/// Whether somebody else wrote to a file that this process writes to.
struct OwnWrites: Sendable {
    private var stamp: FileStamp?
    private(set) var hasOthers = false

    /// Before a write of this process, or to know.
    mutating func look(_ now: FileStamp?) { if let now, let stamp, now != stamp { hasOthers = true } }

    /// After one.
    mutating func note(_ now: FileStamp?) { stamp = now }

    /// The file is a new one.
    mutating func begin(_ now: FileStamp?) { (stamp, hasOthers) = (now, false) }
}

/// A journal's file and lock while they are open, and which files had their names then.
struct OpenedFile: Sendable {
    private(set) var database: DatabaseQueue
    private var lock: any Sendable
    /// With SQLite's files beside it.
    private var files: [FileIdentity]
    private var lockFile: FileIdentity

    init(database: DatabaseQueue, lock: any Sendable, folder: String, on disk: any JournalDisk) {
        (self.database, self.lock) = (database, lock)
        files = Self.identities(folder, on: disk)
        lockFile = disk.identity(StateLock.path(folder))
    }

    mutating func take(_ database: DatabaseQueue, _ folder: String, on disk: any JournalDisk) {
        (self.database, files) = (database, Self.identities(folder, on: disk))
    }

    mutating func take(_ lock: any Sendable, _ folder: String, on disk: any JournalDisk) {
        (self.lock, lockFile) = (lock, disk.identity(StateLock.path(folder)))
    }

    func isLockInPlace(_ folder: String, on disk: any JournalDisk) -> Bool {
        !disk.identity(StateLock.path(folder)).differs(from: lockFile)
    }

    func isInPlace(_ folder: String, on disk: any JournalDisk) -> Bool {
        isLockInPlace(folder, on: disk)
            && zip(Self.identities(folder, on: disk), files).enumerated().allSatisfy { number, pair in
                // SQLite makes those beside the journal when it needs them.
                !pair.0.differs(from: pair.1) || (number > 0 && pair.1 == .none)
            }
    }

    /// Of the journal, its write-ahead log, and the index of that: what is written where no name leads is lost.
    private static func identities(_ folder: String, on disk: any JournalDisk) -> [FileIdentity] {
        ["", "-wal", "-shm"].map { disk.identity(Journal.path(folder) + $0) }
    }
}
