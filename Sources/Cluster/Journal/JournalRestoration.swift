import CoordinatorCore
import Foundation
import GRDB
import SystemErrors

/// A backup that took a journal's place.
package struct JournalRestoration: Sendable, Hashable, Encodable {
    /// The backup.
    package var from: String
    /// The journal that was there before; nil when there was none.
    package var former: String?
    package var songs = 0
    package var records = 0

    /// Puts a backup in the place of a folder's journal, whose coordinator must be stopped. What was there is kept beside it.
    /// Until all of the backup is on the disk, nothing is changed.
    ///
    /// - Parameter backup: by default the newest.
    /// - Throws: `JournalError`: there is no backup, it is damaged, or a coordinator uses the folder; `SystemError`.
    package static func make(in folder: String, from backup: String? = nil) throws -> JournalRestoration {
        try make(in: folder, from: backup) { _ in }
    }

    /// - Parameter change: changes the backup before it takes the journal's place.
    static func make(
        in folder: String, from backup: String?, change: (Database) throws -> Void
    ) throws -> JournalRestoration {
        let path = Journal.path(folder)
        guard FileManager.default.fileExists(atPath: folder) else {
            throw JournalError.cannotUseFolder(path: folder, reason: "it is not there")
        }
        let lock = try StateLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        guard let backup = backup ?? JournalBackup.all(beside: path).first else {
            throw JournalError.cannotUseFolder(
                path: folder, reason: "there is no backup in \(JournalBackup.folder(beside: path)); name one")
        }
        let part = path + ".restored"
        func removePart() { for ending in ["", "-wal", "-shm", "-journal"] { unlink(part + ending) } }
        removePart()
        defer { removePart() }
        var restoration = JournalRestoration(from: backup)
        try restoration.copy(to: part, change: change)
        if FileManager.default.fileExists(atPath: path) {
            restoration.former = try JournalBackup.keepDamaged(path, on: SystemDisk())
        }
        try JournalSwitch.make(part, path, on: SystemDisk())
        return restoration
    }

    private mutating func copy(to part: String, change: (Database) throws -> Void) throws {
        let file = try InputFile(from)
        let output = try OutputFile(part, isNew: true)
        try file.forEachPiece { try output.write($0) }
        try output.close()
        try Journal.guarding(from, "reading") {
            let queue = try DatabaseQueue(path: part)
            try Schema.migrate(queue, from)
            let contents = try queue.read { db in
                if let fault = try Journal.integrityFaults(db).first {
                    throw JournalError.corrupt(path: from, what: fault)
                }
                return try Journal.contents(db)
            }
            records = contents.entries.count
            songs = contents.entries.count { if case .songSubmitted = $0.record { true } else { false } }
            try queue.write { db in
                // Leases that were given since are in workers' hands, and their epochs must not be given again.
                try JournalMeta.write(JournalMeta.safe([contents.leastEpoch]), db)
                try change(db)
            }
            try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = DELETE") }
            try queue.close()
        }
        try OutputFile(part).synchronize()
    }
}
