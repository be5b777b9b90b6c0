package import CoordinatorCore
import Foundation
import GRDB
package import SongPlan
import SystemErrors

/// The truth on disk: all records of a coordinator in one SQLite file.
///
/// One connection in one process (a lock on the folder sees to that), write-ahead log, every commit synced.
/// All calls block on the disk; they may come from any thread.
package final class Journal: Sendable {
    /// The folder that was given.
    package let folder: String
    private let lock: StateLock
    private let database: DatabaseQueue
    private let start = (wall: Date().timeIntervalSince1970, clock: ContinuousClock.now)

    /// Seconds since 1970 as records have them: a clock that is set while this process runs does not change how long
    /// things took.
    package var time: Double { start.wall + start.clock.duration(to: .now) / .seconds(1) }

    private var path: String { Self.path(folder) }
    private static func path(_ folder: String) -> String { folder + "/journal.sqlite" }

    /// Opens `journal.sqlite` in a folder, both made when missing, and holds `lock` there until it is freed.
    ///
    /// - Throws: `JournalError`: the folder cannot be used or is in use, the file is no journal, is damaged
    ///   or was written by a newer version.
    package init(folder: String) throws(JournalError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            guard let code = error.systemNumber else {
                throw .cannotUseFolder(path: folder, reason: error.explanation)
            }
            throw .unusable(folder, code)
        }
        lock = try StateLock(folder: folder)
        let path = Self.path(folder)
        database = try Self.guarding(path, "opening") {
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            let migrator = Schema.migrator
            guard try !queue.read(migrator.hasBeenSuperseded) else {
                throw JournalError.newerSchema(path: path)
            }
            try migrator.migrate(queue)
            return queue
        }
    }

    /// Closes the file, so that the folder may be removed; nothing may be called after it.
    package func close() { try? database.close() }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.foreignKeysEnabled = true
        configuration.label = "journal"
        return configuration
    }

    /// Writes the records in one transaction: when this returns, all of them are durable; when it throws,
    /// none is there.
    package func append(_ records: [CoordinatorCore.Record]) throws(JournalError) {
        guard !records.isEmpty else { return }
        let time = time
        try Self.guarding(path, "writing to") {
            try database.write { db in
                let statement = try db.cachedStatement(sql: RecordRow.insertion)
                for record in records {
                    if case .songSubmitted(let submission) = record { try Self.insert(submission, db) }
                    try statement.execute(arguments: RecordRow(record).arguments(time: time))
                }
            }
        }
    }

    private static func insert(_ submission: Submission, _ db: Database) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(submission), as: UTF8.self)
        try db.execute(
            sql: "INSERT INTO songs (id, submitted_at, submission, checksum) VALUES (?, ?, ?, ?)",
            arguments: [submission.song, submission.submittedAt, json, Checksum.of(json.utf8)])
    }

    /// All records, in the order in which they were appended.
    ///
    /// - Throws: `JournalError.corrupt`, which names the song, level and start of the tokens that are not
    ///   what was written.
    package func replay() throws(JournalError) -> [CoordinatorCore.Record] {
        let path = path
        return try Self.guarding(path, "reading") {
            try database.read { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT records.*,
                            songs.submission AS submission, songs.checksum AS submission_checksum
                        FROM records LEFT JOIN songs ON records.kind = 'submitted' AND songs.id = records.song
                        ORDER BY records.id
                        """)
                var records: [CoordinatorCore.Record] = []
                while let row = try rows.next() { records.append(try Self.record(row)) }
                return records
            }
        }
    }

    private static func record(_ row: Row) throws -> CoordinatorCore.Record {
        let parsed = try RecordRow(row)
        guard let record = try parsed.record(submission: try submission(row)) else {
            throw RowFault("record \(row["id"] as Int64) (\(parsed.kind.rawValue)) lacks a column")
        }
        return record
    }

    private static func submission(_ row: Row) throws -> Submission {
        let song: String = row["song"]
        guard let json = row["submission"] as String?,
            Checksum.of(json.utf8) == row["submission_checksum"] as Int64?
        else { throw RowFault("the submission of song \(song) does not match its checksum") }
        do {
            return try JSONDecoder().decode(Submission.self, from: Data(json.utf8))
        } catch {
            throw RowFault("the submission of song \(song) cannot be read: \(error)")
        }
    }

    /// What happened to a song's tasks, in order, while the song has not been forgotten.
    package func taskEvents(of song: SongID) throws(JournalError) -> [TaskEvent] {
        try Self.guarding(path, "reading") {
            try database.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT kind, sample, level, segment, window, epoch, worker, start, length(tokens) / 2 AS count, text, ending, time
                        FROM records WHERE song = ? AND kind IN ('granted', 'sampled', 'ended') ORDER BY id
                        """, arguments: [song]
                ).compactMap(TaskEvent.init)
            }
        }
    }

    /// Deletes tokens, leases and blames of a song that is finished; that it was, and how it ended, stays. Any other song
    /// may be resumed, and keeps them.
    package func forget(_ song: SongID) throws(JournalError) {
        try Self.guarding(path, "writing to") {
            try database.write { db in
                try db.execute(
                    sql: """
                        DELETE FROM records WHERE song = ?
                        AND kind IN ('known', 'sampled', 'granted', 'ended', 'vanished', 'reported', 'crashed',
                            'suspected', 'cut')
                        AND EXISTS (SELECT 1 FROM records WHERE song = ?
                            AND kind = 'finished')
                        """, arguments: [song, song])
            }
        }
    }

    /// What SQLite's own check of the whole file finds wrong; empty when all is well. Slow on large files.
    package func integrityFaults() throws(JournalError) -> [String] {
        try Self.guarding(path, "checking") {
            try database.read { db in
                try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                    + Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { "a record without song: \($0)" }
            }
        }
    }

    /// How durable a commit is, for tests and `status`: the journal mode and the synchronous level.
    package func durability() throws(JournalError) -> (journalMode: String, synchronous: Int) {
        try Self.guarding(path, "reading") {
            try database.read { db in
                (
                    journalMode: try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "",
                    synchronous: try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
                )
            }
        }
    }

    /// Turns what SQLite and rows throw into what people can act on.
    private static func guarding<Result>(
        _ path: String, _ doing: String, _ body: () throws -> Result
    ) throws(JournalError) -> Result {
        do {
            return try body()
        } catch let error as JournalError {
            throw error
        } catch let fault as RowFault {
            throw .corrupt(path: path, what: fault.what)
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_NOTADB: throw .notAJournal(path: path, reason: error.message ?? "not a database")
            case .SQLITE_CORRUPT: throw .corrupt(path: path, what: error.message ?? "malformed")
            default: throw refusal(path, error) ?? .failed(path: path, doing: doing, reason: words(error))
            }
        } catch {
            throw .failed(path: path, doing: doing, reason: error.explanation)
        }
    }

    /// SQLite does not say what the system refused, so it is tried once more.
    private static func refusal(_ path: String, _ error: DatabaseError) -> JournalError? {
        let obstacle = OutputFile.obstacle(beside: path) ?? OutputFile.obstacle(beside: path + "-wal")
        if let obstacle { return .refused(SystemError(path, code: obstacle.code)) }
        return error.resultCode == .SQLITE_FULL ? .refused(SystemError(path, code: ENOSPC)) : nil
    }

    private static func words(_ error: DatabaseError) -> String {
        error.message ?? "SQLite says \(error.extendedResultCode.rawValue)"
    }
}
