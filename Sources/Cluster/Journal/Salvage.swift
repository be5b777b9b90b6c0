import Foundation
import GRDB
import SystemErrors

/// What could be read of a journal with damaged pages, and went into a new file.
package struct Salvage: Sendable, Hashable {
    /// What SQLite says of the damage.
    package var damage: String
    /// The damaged file, as it was.
    package var copy: String
    package var rows: Int
    /// Places of rows that could not be read; some of them may never have had one.
    package var unreadable: Int

    /// Reads what can be read of a journal, row by row, into a new one, which takes its place.
    ///
    /// - Throws: `damage` when nothing can be read.
    static func make(
        _ path: String, damage: JournalError, on disk: any JournalDisk
    ) throws(JournalError) -> Salvage {
        let part = path + ".salvaged"
        func removePart() { for ending in ["", "-wal", "-shm"] { disk.remove(part + ending) } }
        removePart()
        defer { removePart() }
        do {
            let copy = try JournalBackup.keepDamaged(path, on: disk)
            var salvage = Salvage(damage: "\(damage)", copy: copy, rows: 0, unreadable: 0)
            if case .corrupt(_, let what) = damage { salvage.damage = what }
            var configuration = Configuration()
            configuration.busyMode = .timeout(2)
            let source = try DatabaseQueue(path: disk.database(path), configuration: configuration)
            var plain = Journal.configuration
            plain.foreignKeysEnabled = false
            let target = try DatabaseQueue(path: disk.database(part), configuration: plain)
            try Schema.migrator.migrate(target)
            let songs = try transfer("songs", from: source, to: target, &salvage)
            guard songs > 0 else { throw damage }
            salvage.rows = try transfer("records", from: source, to: target, &salvage)
            for table in ["verdicts", "totals"] { _ = try? transfer(table, from: source, to: target, &salvage) }
            try source.close()
            try target.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try target.close()
            try disk.synchronize(part)
            for ending in ["-wal", "-shm"] { disk.remove(path + ending) }
            try disk.rename(part, to: path)
            disk.synchronizeFolder(of: path)
            return salvage
        } catch let error as SystemError {
            throw .refused(error)
        } catch let error as DatabaseError where [.SQLITE_FULL, .SQLITE_IOERR].contains(error.resultCode) {
            throw .unavailable(path: path, doing: "salvaging", reason: error.message ?? "the disk fails")
        } catch {
            throw damage
        }
    }

    /// - Returns: rows that were read.
    private static func transfer(
        _ table: String, from source: DatabaseQueue, to target: DatabaseQueue, _ salvage: inout Salvage
    ) throws -> Int {
        let names = try target.read { db in try db.columns(in: table).map(\.name) }
        var next: Int64 = 1
        var count = 0
        let last = largestRow(table, source)
        while next <= last {
            var rows: [(id: Int64, row: Row)] = []
            var isDone = false
            do {
                try source.read { db in
                    let cursor = try Row.fetchCursor(
                        db,
                        sql: "SELECT rowid AS salvaged_row, * FROM \(table) WHERE rowid >= ? ORDER BY rowid LIMIT 1000",
                        arguments: [next])
                    while let row = try cursor.next() {
                        guard let id = Int64.fromDatabaseValue(row["salvaged_row"] as DatabaseValue) else { continue }
                        rows.append((id, row.copy()))
                    }
                }
                isDone = rows.count < 1000
            } catch is DatabaseError {
                // Rows before the damaged page were read.
                salvage.unreadable += 1
            }
            try write(rows.map(\.row), table, names, target)
            count += rows.count
            if isDone { break }
            let reached = rows.last.map { $0.id + 1 } ?? next
            next = reached > next ? reached : next + 1
        }
        return count
    }

    private static func largestRow(_ table: String, _ source: DatabaseQueue) -> Int64 {
        let queries = ["SELECT max(rowid) FROM \(table)", "SELECT seq FROM sqlite_sequence WHERE name = '\(table)'"]
        for query in queries {
            if let most = try? source.read({ db in try Int64.fetchOne(db, sql: query) }) { return most }
        }
        let pages = (try? source.read { db in try Int64.fetchOne(db, sql: "PRAGMA page_count") }) ?? 0
        return min(pages * 500, 5_000_000)
    }

    private static func write(_ rows: [Row], _ table: String, _ names: [String], _ target: DatabaseQueue) throws {
        guard !rows.isEmpty else { return }
        try target.write { db in
            for row in rows {
                let known = row.filter { names.contains($0.0) }
                let columns = known.map(\.0).joined(separator: ", ")
                let places = known.map { _ in "?" }.joined(separator: ", ")
                // A row that is no row of the table, such as one without its song, is lost.
                try? db.execute(
                    sql: "INSERT OR IGNORE INTO \(table) (\(columns)) VALUES (\(places))",
                    arguments: StatementArguments(known.map(\.1)))
            }
            if table == "records", !(rows.first?.hasColumn(RowDigest.column) ?? true) { try RowDigest.migrate(db) }
        }
    }
}
