package import CoordinatorCore
import Foundation
import GRDB
package import SongPlan
import Synchronization
import SystemErrors

/// The truth on disk: all records of a coordinator in one SQLite file.
///
/// One connection in one process (a lock on the folder sees to that), write-ahead log, every commit synced.
/// All calls block on the disk; they may come from any thread.
package final class Journal: Sendable {
    /// The folder that was given.
    package let folder: String
    let disk: any JournalDisk
    private let opened: Mutex<OpenedFile>
    var database: DatabaseQueue { opened.withLock { $0.database } }
    private let start: (wall: Double, steady: Double)
    /// What opening it had to mend; nil when nothing.
    package let salvage: Salvage?
    /// What its write-ahead log had that could not be read; nil when nothing.
    package let logDamage: LogDamage?
    private let ownWrites = Mutex(OwnWrites())
    /// What changes, where somebody keeps a copy.
    let changes = Mutex<ChangeSession?>(nil)
    /// As they are on the disk.
    private let written: Mutex<[Total: UInt64]>
    /// Totals that are not as they were written, and so begin anew.
    package let damagedTotals: [String]

    /// Seconds since 1970 as records have them: a clock that is set while this process runs does not change how long
    /// things took.
    package var time: Double { start.wall + disk.steadyTime - start.steady }

    package var path: String { Self.path(folder) }
    package static func path(_ folder: String) -> String { folder + "/journal.sqlite" }

    /// Opens `journal.sqlite` in a folder, both made when missing, and holds `lock` there until it is freed. Where pages
    /// of the file are damaged, what can be read goes into a new one.
    ///
    /// - Throws: `JournalError`: the folder cannot be used or is in use, the file is no journal, is damaged
    ///   beyond reading or was written by a newer version.
    package init(folder: String, on disk: any JournalDisk = SystemDisk()) throws(JournalError) {
        self.folder = folder
        self.disk = disk
        start = (disk.wallTime, disk.steadyTime)
        do {
            try disk.makeFolder(folder)
        } catch {
            guard let code = error.systemNumber else {
                throw .cannotUseFolder(path: folder, reason: error.explanation)
            }
            throw .unusable(folder, code)
        }
        let lock = try disk.lock(folder)
        try Self.makeDurable(Self.path(folder), on: disk)
        var logDamage = LogDamage.look(Self.path(folder), on: disk)
        if logDamage != nil { logDamage?.copy = try? JournalBackup.keepDamaged(Self.path(folder), on: disk) }
        let (database, salvage) = try Self.openOrSalvage(Self.path(folder), on: disk)
        try Self.guarding(Self.path(folder), "opening", on: disk) { try database.write(VerdictRow.continueNumbers) }
        let read = try Self.readTotals(database, Self.path(folder), on: disk)
        opened = Mutex(OpenedFile(database: database, lock: lock, folder: folder, on: disk))
        self.salvage = salvage
        self.logDamage = logDamage
        written = Mutex(read.totals)
        damagedTotals = read.damaged
        // So that what is left there of the damaged part is not taken for new damage later.
        if logDamage != nil { try? checkpoint() }
        ownWrites.withLock { $0.begin(disk.stamp(path)) }
    }

    private static func openOrSalvage(
        _ path: String, on disk: any JournalDisk
    ) throws(JournalError) -> (DatabaseQueue, Salvage?) {
        do throws(JournalError) {
            return (try openSound(path, on: disk), nil)
        } catch {
            guard error.damage(path) != nil else { throw error }
        }
        // A disk that fails once may look like it: what is damaged is so twice.
        do throws(JournalError) {
            return (try openSound(path, on: disk), nil)
        } catch {
            guard let damage = error.damage(path) else { throw error }
            let salvage = try Salvage.make(path, damage: damage, on: disk)
            return (try open(path, on: disk), salvage)
        }
    }

    /// A process that was killed may have left what it wrote and did not sync. It is read from here on, and others are told of
    /// it, so it must not go with the power. Not while SQLite has the file open: whoever else closes it ends SQLite's locks.
    private static func makeDurable(_ path: String, on disk: any JournalDisk) throws(JournalError) {
        try guarding(path, "opening", on: disk) {
            try JournalSwitch.finish(path, on: disk)
            for file in [path, path + "-wal"] where disk.exists(file) { try disk.synchronize(file) }
        }
    }

    private static func readTotals(
        _ queue: DatabaseQueue, _ path: String, on disk: any JournalDisk
    ) throws(JournalError) -> (totals: [Total: UInt64], damaged: [String]) {
        try guarding(path, "reading", on: disk) { try queue.read(TotalRow.all) }
    }

    private static func openSound(_ path: String, on disk: any JournalDisk) throws(JournalError) -> DatabaseQueue {
        let opened = try open(path, on: disk)
        try checkScans(opened, path, on: disk)
        return opened
    }

    private static func open(_ path: String, on disk: any JournalDisk) throws(JournalError) -> DatabaseQueue {
        try guarding(path, "opening", on: disk) {
            let queue = try DatabaseQueue(path: disk.database(path), configuration: configuration)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA journal_size_limit = 4000000")
            }
            try Schema.migrate(queue, path)
            return queue
        }
    }

    /// Whether every page of the tables can be reached.
    private static func checkScans(
        _ queue: DatabaseQueue, _ path: String, on disk: any JournalDisk
    ) throws(JournalError) {
        try guarding(path, "reading", on: disk) {
            // A column without its value is a damaged row, and those are told one by one.
            let faults = try queue.read { db in
                try String.fetchAll(db, sql: "PRAGMA quick_check(10)").filter {
                    $0 != "ok" && !$0.hasPrefix("NULL value in")
                }
            }
            if let fault = faults.first(where: isOfDisk) {
                throw JournalError.unavailable(path: path, doing: "reading", reason: "the disk fails (\(fault))")
            }
            if let fault = faults.first { throw JournalError.corrupt(path: path, what: fault) }
            try mendIndexes(queue)
        }
    }

    /// Whether SQLite could not read a page, rather than reading a damaged one.
    private static func isOfDisk(_ fault: String) -> Bool {
        guard let code = fault.firstMatch(of: /error code=(\d+)/).flatMap({ Int32($0.1) }) else { return false }
        return [ResultCode.SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_CANTOPEN].map(\.rawValue).contains(code & 0xff)
    }

    /// Bytes of a file of which all indexes are looked at when it is opened: that takes a second at most.
    private static let quicklyChecked = 64 << 20

    /// Songs are found by an index, and records of a song by another. Where one does not fit its table, it is made anew. That
    /// of the records of a large file is looked at when it is used.
    private static func mendIndexes(_ queue: DatabaseQueue) throws {
        let isWhole = try queue.read { db in
            let isSmall = try JournalSize.of(db).bytes <= quicklyChecked
            let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
            return try tables.filter { isSmall || $0 != "records" }.allSatisfy { table in
                try String.fetchAll(db, sql: "PRAGMA integrity_check('\(table)')").allSatisfy {
                    $0 == "ok" || $0.hasPrefix("NULL value in")
                }
            }
        }
        if !isWhole { try queue.write { db in try db.execute(sql: "REINDEX") } }
    }

    /// Does something that finds records by their index. One that is damaged is made anew first.
    private func finding<Result>(
        _ doing: String, isReading: Bool = false, _ body: (Database) throws -> Result
    ) throws(JournalError) -> Result {
        func run() throws(JournalError) -> Result {
            try guarding(doing) { try isReading ? database.read(body) : database.write(body) }
        }
        do throws(JournalError) {
            return try run()
        } catch {
            guard case .corrupt = error else { throw error }
            try guarding(doing) { try database.write { db in try db.execute(sql: "REINDEX") } }
            return try run()
        }
    }

    // MARK: its place

    /// Whether the file that is open, and the folder's lock, are still those that have their names.
    package var isInPlace: Bool { opened.withLock { $0.isInPlace(folder, on: disk) } }

    /// Somebody removed or replaced the file, or the lock, while it is open: all that the open file has is written to its
    /// place again. What lies there by then is kept beside it.
    ///
    /// - Throws: `JournalError`: another coordinator has the folder by now, or the disk refuses.
    package func putBack() throws(JournalError) {
        try guarding("writing to") { try disk.makeFolder(folder) }
        try opened.withLock { opened throws(JournalError) in
            if !opened.isLockInPlace(folder, on: disk) { opened.take(try disk.lock(folder), folder, on: disk) }
            guard !opened.isInPlace(folder, on: disk) else { return }
            let part = path + ".put-back"
            try guarding("writing to") {
                try JournalBackup.copy(opened.database, to: part, on: disk)
                try JournalSwitch.make(part, path, keeping: path + ".replaced", on: disk)
            }
            let former = opened.database
            former.inDatabase { _ in dropChanges() }
            opened.take(try Self.open(path, on: disk), folder, on: disk)
            try? former.close()
            ownWrites.withLock { $0.begin(disk.stamp(path)) }
        }
    }

    /// Whether somebody else wrote into the file while it is open, as `cp` over it does. What is there by then is no journal,
    /// or an older one: no backup is worth making of it.
    package var wasWrittenByOthers: Bool {
        ownWrites.withLock { own in
            own.look(disk.stamp(path))
            return own.hasOthers
        }
    }

    /// Closes the file, so that the folder may be removed; nothing may be called after it.
    package func close() {
        endChanges()
        try? database.close()
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.foreignKeysEnabled = true
        // Another program that looks at the file may hold it for a moment.
        configuration.busyMode = .timeout(2)
        configuration.label = "journal"
        configuration.prepareDatabase { db in
            // Counts for files that are new; others are made so when they are compacted.
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
        }
        return configuration
    }

    /// What was counted over the journal's whole life, as it is on the disk.
    package var totals: [Total: UInt64] { written.withLock { $0 } }

    /// Writes the records in one transaction: when this returns, all of them are durable; when it throws,
    /// none is there.
    ///
    /// - Parameter counts: what is added to totals in the same transaction.
    package func append(
        _ records: [CoordinatorCore.Record], counting counts: [Total: UInt64] = [:]
    ) throws(JournalError) {
        guard !records.isEmpty || !counts.isEmpty else { return }
        let time = time
        let before = totals
        let after = Dictionary(uniqueKeysWithValues: counts.map { ($0, (before[$0] ?? 0) &+ $1) })
        try finding("writing to") { db in
            let statement = try db.cachedStatement(sql: RecordRow.insertion)
            for record in records {
                if try VerdictRow.insert(record, time: time, db) { continue }
                if case .songRemoved(let song) = record {
                    try Self.remove(song, db)
                    continue
                }
                if case .songSubmitted(let submission) = record { try Self.insert(submission, db) }
                if case .songNoted(let song, _) = record { try Self.removeNotes(of: song, db) }
                try statement.execute(arguments: RecordRow(record).arguments(time: time))
            }
            try TotalRow.write(after, db)
        }
        written.withLock { $0.merge(after) { $1 } }
    }

    /// Nothing is left of the song, so that no row says that it was removed.
    private static func remove(_ song: SongID, _ db: Database) throws {
        try JournalMeta.noteEpochs(of: song, db)
        // What an index says is not believed.
        try db.execute(sql: "DELETE FROM records WHERE song = ? AND +song = ?", arguments: [song, song])
        try db.execute(sql: "DELETE FROM songs WHERE id = ?", arguments: [song])
    }

    /// The newest note alone counts.
    private static func removeNotes(of song: SongID, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM records WHERE song = ? AND +song = ? AND kind = 'noted'", arguments: [song, song])
    }

    private static func insert(_ submission: Submission, _ db: Database) throws {
        let json = try json(submission)
        try db.execute(
            sql: "INSERT INTO songs (id, submitted_at, submission, checksum) VALUES (?, ?, ?, ?)",
            arguments: [submission.song, submission.submittedAt, json, Checksum.of(json.utf8)])
    }

    static func json(_ submission: Submission) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(submission), as: UTF8.self)
    }

    /// What happened to a song's tasks, in order, while the song has not been forgotten.
    package func taskEvents(of song: SongID) throws(JournalError) -> [TaskEvent] {
        try finding("reading", isReading: true) { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT kind, sample, level, segment, window, epoch, worker, start, length(tokens) / 2 AS count, text, ending, time
                    FROM records WHERE song = ? AND kind IN ('granted', 'sampled', 'ended') ORDER BY id
                    """, arguments: [song]
            ).compactMap(TaskEvent.init)
        }
    }

    /// Deletes tokens, leases and blames of a song that is finished; that it was, and how it ended, stays. Any other song
    /// may be resumed, and keeps them.
    package func forget(_ song: SongID) throws(JournalError) {
        try finding("writing to") { db in
            try JournalMeta.noteEpochs(of: song, db)
            try db.execute(
                sql: """
                    DELETE FROM records WHERE song = ? AND +song = ?
                    AND kind IN ('known', 'sampled', 'granted', 'ended', 'vanished', 'reported', 'crashed',
                        'suspected', 'cut', 'machine', 'check', 'claim', 'unchecked', 'dropped', 'uncut')
                    AND EXISTS (SELECT 1 FROM records WHERE song = ?
                        AND kind = 'finished')
                    """, arguments: [song, song, song])
        }
    }

    /// What SQLite's own check of the whole file finds wrong; empty when all is well. Slow on large files.
    package func integrityFaults() throws(JournalError) -> [String] {
        try guarding("checking") { try database.read(Self.integrityFaults) }
    }

    static func integrityFaults(_ db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            + Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { "a record without song: \($0)" }
    }

    /// How durable a commit is, for tests and `status`: the journal mode and the synchronous level.
    package func durability() throws(JournalError) -> (journalMode: String, synchronous: Int) {
        try guarding("reading") {
            try database.read { db in
                (
                    journalMode: try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "",
                    synchronous: try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
                )
            }
        }
    }

    /// Turns what SQLite and rows throw into what people can act on.
    func guarding<Result>(_ doing: String, _ body: () throws -> Result) throws(JournalError) -> Result {
        let isWriting = doing != "reading" && doing != "checking"
        if isWriting { ownWrites.withLock { $0.look(disk.stamp(path)) } }
        defer { if isWriting { ownWrites.withLock { $0.note(disk.stamp(path)) } } }
        return try Self.guarding(path, doing, on: disk, body)
    }

    static func guarding<Result>(
        _ path: String, _ doing: String, on disk: any JournalDisk = SystemDisk(), _ body: () throws -> Result
    ) throws(JournalError) -> Result {
        do {
            return try body()
        } catch let error as JournalError {
            throw error
        } catch let fault as RowFault {
            throw .corrupt(path: path, what: fault.what)
        } catch let error as DatabaseError {
            throw explained(error, path, doing, disk)
        } catch let error as SystemError where SystemReason.passes(error.code) {
            throw .refused(error)
        } catch {
            throw .failed(path: path, doing: doing, reason: error.explanation)
        }
    }

    private static func explained(
        _ error: DatabaseError, _ path: String, _ doing: String, _ disk: any JournalDisk
    ) -> JournalError {
        switch error.resultCode {
        case .SQLITE_NOTADB: return .notAJournal(path: path, reason: error.message ?? "not a database")
        case .SQLITE_CORRUPT: return .corrupt(path: path, what: error.message ?? "malformed")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return .unavailable(path: path, doing: doing, reason: "another program has locked it (\(words(error)))")
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_NOMEM, .SQLITE_PERM,
            .SQLITE_PROTOCOL, .SQLITE_INTERRUPT, .SQLITE_NOLFS:
            return refusal(path, error, disk) ?? .unavailable(path: path, doing: doing, reason: words(error))
        default: return .failed(path: path, doing: doing, reason: words(error))
        }
    }

    /// SQLite does not say what the system refused, so it is tried once more.
    private static func refusal(_ path: String, _ error: DatabaseError, _ disk: any JournalDisk) -> JournalError? {
        let obstacle = disk.obstacle(beside: path) ?? disk.obstacle(beside: path + "-wal")
        if let obstacle { return .refused(SystemError(path, code: obstacle.code)) }
        return error.resultCode == .SQLITE_FULL ? .refused(SystemError(path, code: ENOSPC)) : nil
    }

    private static func words(_ error: DatabaseError) -> String {
        error.message ?? "SQLite says \(error.extendedResultCode.rawValue)"
    }
}
