import Foundation
import GRDB
import SystemErrors

/// How large a journal's file is, and how much of it holds nothing.
package struct JournalSize: Sendable, Hashable {
    package var bytes: Int
    package var freeBytes: Int

    static func of(_ db: Database) throws -> JournalSize {
        let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        return JournalSize(
            bytes: try page * (Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0),
            freeBytes: try page * (Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0))
    }
}

extension Journal {
    /// What the file and its write-ahead log take; asks the file system, and no database.
    package var fileBytes: UInt64 {
        ["", "-wal"].reduce(0) { sum, ending in
            var status = stat()
            return stat(path + ending, &status) == 0 ? sum + UInt64(max(0, status.st_size)) : sum
        }
    }

    /// A file is made smaller when this part of it is free, and it is worth it.
    private static let (freePart, leastFree) = (4, 1 << 20)

    package func size() throws(JournalError) -> JournalSize {
        try guarding("reading") { try database.read(JournalSize.of) }
    }

    /// Gives free room of the file back to the disk, a piece at a time: nobody waits for it long.
    ///
    /// - Returns: bytes.
    @discardableResult
    package func shrink() throws(JournalError) -> Int {
        let before = try size()
        guard before.freeBytes >= Self.leastFree, before.freeBytes * Self.freePart >= before.bytes else { return 0 }
        try guarding("compacting") {
            try database.writeWithoutTransaction { db in
                // Each step of the statement frees a page.
                let cursor = try Row.fetchCursor(db, sql: "PRAGMA incremental_vacuum(4000)")
                while try cursor.next() != nil {}
                _ = try? db.checkpoint(.truncate)
            }
        }
        return before.bytes - (try size()).bytes
    }

    /// Moves what lies in the write-ahead log into the file, whose pages are checked one by one, and empties the log.
    package func checkpoint() throws(JournalError) {
        try guarding("writing to") { try database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) } }
    }

    /// Writes the whole file anew without its free room, which needs as much room again meanwhile.
    package func compact() throws(JournalError) {
        try guarding("compacting") {
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                try db.execute(sql: "VACUUM")
                _ = try db.checkpoint(.truncate)
            }
        }
    }

    /// The same at a start, where it is worth it and the disk has the room.
    package func compactIfWorthwhile() throws(JournalError) {
        let size = try size()
        guard size.freeBytes >= Self.leastFree, size.freeBytes * 2 >= size.bytes,
            DiskSpace.of(folder).map({ $0.free > 2 * size.bytes }) ?? false
        else { return }
        try compact()
    }

    /// Songs that are finished and still have tokens here, because a process was killed before they were forgotten.
    package func unforgotten() throws(JournalError) -> [String] {
        try guarding("reading") {
            try database.read { db in
                try String.fetchAll(
                    db,
                    sql: """
                        SELECT DISTINCT song FROM records WHERE kind IN ('known', 'sampled', 'granted', 'ended')
                        AND song IN (SELECT song FROM records WHERE kind = 'finished')
                        """)
            }
        }
    }
}
