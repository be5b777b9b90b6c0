import CoordinatorCore
import Foundation
import GRDB

/// What is known of machines, in a table of its own: no song's end or removal takes it along.
struct VerdictRow {
    /// The number of its row.
    var row: Int64
    /// The last record before it.
    var after: Int64
    var record: CoordinatorCore.Record
    /// What is wrong with it; nil when nothing is.
    var fault: String?

    static func migrate(_ db: Database) throws {
        try db.create(table: "verdicts") { table in
            table.autoIncrementedPrimaryKey("id")
            // The last record before it.
            table.column("after", .integer).notNull()
            table.column("machine", .text).notNull()
            // Null: it was lifted.
            table.column("reason", .text)
            table.column("time", .double)
        }
    }

    /// A checksum of the machine's name, by which a damaged byte of it is found again, and one over all columns.
    static func addChecksums(_ db: Database) throws {
        try db.alter(table: "verdicts") { table in
            table.add(column: "checksum", .integer)
            table.add(column: RowDigest.column, .integer)
        }
        try completeOldRows(db)
    }

    /// Gives rows of earlier releases theirs.
    static func completeOldRows(_ db: Database) throws {
        let old = "checksum IS NULL AND \(RowDigest.column) IS NULL"
        for row in try Row.fetchAll(db, sql: "SELECT *, CAST(machine AS BLOB) AS name FROM verdicts WHERE \(old)") {
            guard let id = Int64.fromDatabaseValue(row["id"] as DatabaseValue),
                let name = Data.fromDatabaseValue(row["name"] as DatabaseValue)
            else { continue }
            try db.execute(
                sql: "UPDATE verdicts SET checksum = ? WHERE id = ?", arguments: [Checksum.of(name), id])
            try setDigest(id, db)
        }
    }

    private static func setDigest(_ id: Int64, _ db: Database) throws {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM verdicts WHERE id = ?", arguments: [id]) else {
            return
        }
        try db.execute(
            sql: "UPDATE verdicts SET \(RowDigest.column) = ? WHERE id = ?",
            arguments: [RowDigest.of(row.map { ($0, $1) }), id])
    }

    /// - Returns: whether the record is one of these.
    static func insert(_ record: CoordinatorCore.Record, time: Double, _ db: Database) throws -> Bool {
        guard let (machine, reason) = parts(of: record) else { return false }
        try db.execute(
            sql: """
                INSERT INTO verdicts (after, machine, reason, time, checksum)
                VALUES ((SELECT coalesce(max(id), 0) FROM records), ?, ?, ?, ?)
                """, arguments: [machine, reason, time, Checksum.of(machine.utf8)])
        try setDigest(db.lastInsertedRowID, db)
        return true
    }

    private static func parts(of record: CoordinatorCore.Record) -> (MachineID, String?)? {
        switch record {
        case .verdict(let name, let why): (name, why)
        case .verdictLifted(let name): (name, nil)
        case .songSubmitted, .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed,
            .songNoted,
            .songRemoved, .machine, .checkBegun, .claimed, .checkEnded, .tokensDropped, .cutDropped:
            nil
        }
    }

    /// Of records that damage took, verdicts know the last number. What is written next comes after them.
    static func continueNumbers(_ db: Database) throws {
        let places = try Row.fetchAll(db, sql: "SELECT * FROM verdicts").filter(RowDigest.fits).compactMap {
            Int64.fromDatabaseValue($0["after"] as DatabaseValue)
        }
        let used = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM sqlite_sequence WHERE name = 'records'") ?? 0
        guard let last = places.max(), last > used else { return }
        try db.execute(sql: "DELETE FROM sqlite_sequence WHERE name = 'records'")
        try db.execute(sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)", arguments: [last])
    }

    static func all(_ db: Database) throws -> [VerdictRow] {
        // A journal of an earlier release, which is only looked at, has none yet.
        guard try db.tableExists("verdicts") else { return [] }
        let hasDigests = try db.columns(in: "verdicts").contains { $0.name == RowDigest.column }
        return try Row.fetchAll(db, sql: "SELECT * FROM verdicts ORDER BY id").map { row in
            let name = try Row.fetchOne(
                db, sql: "SELECT CAST(machine AS BLOB) AS name FROM verdicts WHERE id = ?",
                arguments: [row["id"] as DatabaseValue])
            return VerdictRow(
                row, name: name.flatMap { Data.fromDatabaseValue($0["name"] as DatabaseValue) }, hasDigests)
        }
    }

    private init(_ row: Row, name: Data?, _ hasDigests: Bool) {
        self.row = Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? -1
        // Where that is damaged, after all of them.
        let place = Int64.fromDatabaseValue(row["after"] as DatabaseValue) ?? .max
        after = place < 0 ? .max : place
        let reason = String.fromDatabaseValue(row["reason"] as DatabaseValue)
        let bytes = Array(name ?? Data())
        guard hasDigests, !RowDigest.fits(row) else {
            let machine = String(decoding: bytes, as: UTF8.self)
            record = reason.map { .verdict(machine, reason: $0) } ?? .verdictLifted(machine)
            return
        }
        let sum = Int64.fromDatabaseValue(row["checksum"] as DatabaseValue)
        let machine = String(decoding: sum.flatMap { TextRepair.repaired(bytes, checksum: $0) } ?? bytes, as: UTF8.self)
        // Whether it was trusted cannot be known: it is not, until somebody says so.
        record = .verdict(machine, reason: reason ?? "what the journal says of it is damaged")
        fault =
            "the verdict on machine \(machine) (row \(self.row)) does not match its checksum; the machine counts as one "
            + "that gives wrong tokens, until orchestrion workers release"
    }

    /// Writes the row as it was understood.
    func rewrite(_ db: Database) throws {
        guard let (machine, reason) = Self.parts(of: record) else { return }
        try db.execute(
            sql: "UPDATE verdicts SET after = ?, machine = ?, reason = ?, checksum = ? WHERE id = ?",
            arguments: [after, machine, reason, Checksum.of(machine.utf8), row])
        try Self.setDigest(row, db)
    }
}
