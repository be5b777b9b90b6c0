import GRDB

/// Something that is counted over the whole life of a journal.
package struct Total: Sendable, Hashable {
    /// What is counted.
    package var name: String
    /// One kind of it, such as a level; empty where there are none.
    package var label: String

    package init(_ name: String, _ label: String = "") { (self.name, self.label) = (name, label) }
}

/// Totals in a table of their own: no song's end or removal takes them along. They are written in the transaction of the
/// records that they count.
enum TotalRow {
    /// In the order in which they are stored.
    static let columns = ["name", "label", "value", RowDigest.column]

    /// Whether the values of a row of some table are those of a total, as it was written.
    static func fits(_ values: [DatabaseValue]) -> Bool {
        guard values.count == columns.count, let digest = Int64.fromDatabaseValue(values[3]) else { return false }
        return digest == RowDigest.of(zip(columns, values))
    }

    static func migrate(_ db: Database) throws {
        try db.create(table: "totals") { table in
            table.column("name", .text).notNull()
            table.column("label", .text).notNull()
            table.column("value", .integer).notNull()
            table.column(RowDigest.column, .integer)
            table.primaryKey(["name", "label"])
        }
    }

    /// What can be read, and what is not as it was written: that begins anew.
    static func all(_ db: Database) throws -> (totals: [Total: UInt64], damaged: [String]) {
        var totals: [Total: UInt64] = [:]
        var damaged: [String] = []
        // A journal of an earlier release, which is only looked at, has none yet.
        guard try db.tableExists("totals") else { return (totals, damaged) }
        for row in try Row.fetchAll(db, sql: "SELECT * FROM totals ORDER BY name, label") {
            let name = String.fromDatabaseValue(row["name"] as DatabaseValue) ?? "?"
            guard RowDigest.fits(row), let label = String.fromDatabaseValue(row["label"] as DatabaseValue),
                let value = Int64.fromDatabaseValue(row["value"] as DatabaseValue)
            else {
                damaged.append("the total \(name) does not match its checksum")
                continue
            }
            totals[Total(name, label)] = UInt64(bitPattern: value)
        }
        return (totals, damaged)
    }

    static func write(_ values: [Total: UInt64], _ db: Database) throws {
        guard !values.isEmpty else { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO totals (name, label, value, digest) VALUES (?, ?, ?, ?)
                ON CONFLICT (name, label) DO UPDATE SET value = excluded.value, digest = excluded.digest
                """)
        for (total, value) in values {
            let columns: [(String, DatabaseValue)] = [
                ("name", total.name.databaseValue), ("label", total.label.databaseValue),
                ("value", Int64(bitPattern: value).databaseValue),
            ]
            try statement.execute(
                arguments: StatementArguments(columns.map(\.1) + [RowDigest.of(columns).databaseValue]))
        }
    }
}
