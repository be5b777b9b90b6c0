import Foundation
import GRDB

/// A copy of a journal, kept by another machine's coordinator, becomes a journal.
package struct CopyRestoration: Sendable, Hashable {
    package private(set) var songs = 0
    package private(set) var records = 0
    /// Songs that were finished and whose files are not there: they are made again, from the tokens that the copy has.
    package private(set) var again: [String] = []
    /// Songs that were finished, whose files are not there, and whose tokens the journal had forgotten.
    package private(set) var lost: [String] = []

    /// Puts a copy in the place of a folder's journal, which nobody may use. The epochs of leases that were given after the copy
    /// was made are not given again.
    ///
    /// - Parameters:
    ///   - copy: one file, with its rollback journal beside it where it was being written to.
    ///   - hasFiles: whether the files of a finished song are there.
    /// - Throws: `JournalError`: it is damaged, or somebody uses the folder; `SystemError`.
    package init(of copy: String, in folder: String, hasFiles: (String) -> Bool) throws {
        // What was cut short is taken back when SQLite opens it.
        let draft = folder + "/copy.sqlite"
        let disk = SystemDisk()
        func remove() { for ending in ["", "-journal", "-wal", "-shm"] { disk.remove(draft + ending) } }
        remove()
        defer { remove() }
        try disk.copy(copy, to: draft)
        if disk.exists(copy + "-journal") { try disk.copy(copy + "-journal", to: draft + "-journal") }
        try Journal.guarding(copy, "reading") {
            let queue = try DatabaseQueue(path: draft)
            try queue.read { db in _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") }
            try queue.close()
        }
        var (again, lost): ([String], [String]) = ([], [])
        let done = try JournalRestoration.make(in: folder, from: draft) { db in
            let finished = try String.fetchAll(db, sql: "SELECT DISTINCT song FROM records WHERE kind = 'finished'")
            for song in finished.sorted() where !hasFiles(song) {
                let hasTokens = try Int.fetchOne(
                    db, sql: "SELECT 1 FROM records WHERE song = ? AND kind IN ('sampled', 'known') LIMIT 1",
                    arguments: [song])
                guard hasTokens != nil else {
                    lost.append(song)
                    continue
                }
                try db.execute(sql: "DELETE FROM records WHERE song = ? AND kind = 'finished'", arguments: [song])
                again.append(song)
            }
        }
        (songs, records, self.again, self.lost) = (done.songs, done.records, again, lost)
    }
}
