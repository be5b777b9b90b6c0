import CoordinatorCore
import GRDB

/// What is known of machines, in a table of its own: no song's end or removal takes it along.
enum VerdictRow {
    /// After the record with this number.
    typealias Placed = (after: Int64, record: CoordinatorCore.Record)

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

    /// - Returns: whether the record is one of these.
    static func insert(_ record: CoordinatorCore.Record, time: Double, _ db: Database) throws -> Bool {
        let (machine, reason): (MachineID, String?)
        switch record {
        case .verdict(let name, let why): (machine, reason) = (name, why)
        case .verdictLifted(let name): (machine, reason) = (name, nil)
        case .songSubmitted, .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed,
            .songRemoved,
            .machine, .checkBegun,
            .claimed, .checkEnded, .tokensDropped, .cutDropped:
            return false
        }
        try db.execute(
            sql: """
                INSERT INTO verdicts (after, machine, reason, time)
                VALUES ((SELECT coalesce(max(id), 0) FROM records), ?, ?, ?)
                """, arguments: [machine, reason, time])
        return true
    }

    static func all(_ db: Database) throws -> [Placed] {
        // A journal of an earlier release, which is only looked at, has none yet.
        guard try db.tableExists("verdicts") else { return [] }
        return try Row.fetchAll(db, sql: "SELECT after, machine, reason FROM verdicts ORDER BY id").map { row in
            let machine: String = row["machine"]
            let reason = row["reason"] as String?
            return (row["after"], reason.map { .verdict(machine, reason: $0) } ?? .verdictLifted(machine))
        }
    }
}
