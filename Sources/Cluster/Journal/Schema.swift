import CoordinatorCore
import GRDB

/// The tables, as a history of migrations: never edit one that was released, add the next.
enum Schema {
    /// Brings a file to the newest form.
    ///
    /// - Throws: `JournalError` when it is of a newer release, or its list of migrations is damaged.
    static func migrate(_ queue: DatabaseQueue, _ path: String) throws {
        let migrator = migrator
        let done = try queue.read(migrator.appliedIdentifiers)
        for name in done.subtracting(migrator.migrations) {
            let number = name.split(separator: " ").first.flatMap { Int($0) }
            guard let number, number > migrator.migrations.count, number < 10_000 else {
                throw JournalError.corrupt(path: path, what: "its list of migrations has \(name)")
            }
            throw JournalError.newerSchema(path: path)
        }
        // They are done in their order.
        guard Set(migrator.migrations.prefix(done.count)) == done else {
            throw JournalError.corrupt(path: path, what: "its list of migrations has a gap")
        }
        do {
            try migrator.migrate(queue)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            throw JournalError.corrupt(path: path, what: error.message ?? "its tables are not those of a journal")
        }
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 songs, records, events") { db in
            try db.create(table: "songs") { table in
                table.primaryKey("id", .text)
                table.column("submitted_at", .double).notNull()
                table.column("submission", .text).notNull()
                table.column("checksum", .integer).notNull()
            }
            // One row for each record, in the order of `id`; columns that a kind does not have are null.
            try db.create(table: "records") { table in
                table.autoIncrementedPrimaryKey("id")
                table.column("kind", .text).notNull()
                table.column("song", .text).notNull().references("songs", column: "id")
                table.column("sample", .integer)
                table.column("level", .integer)
                table.column("window", .integer)
                table.column("epoch", .integer)
                table.column("worker", .text)
                table.column("start", .integer)
                table.column("text", .text)
                table.column("tokens", .blob)
                table.column("checksum", .integer)
            }
            try db.create(index: "records_by_song", on: "records", columns: ["song", "kind"])
            try db.create(table: "events") { table in
                table.autoIncrementedPrimaryKey("id")
                table.column("time", .double).notNull()
                table.column("text", .text).notNull()
            }
        }
        // Seconds since 1970; null in rows of earlier releases.
        migrator.registerMigration("2 times of records") { db in
            try db.alter(table: "records") { table in table.add(column: "time", .double) }
        }
        // Null in rows of earlier releases: whole levels.
        migrator.registerMigration("3 segments") { db in
            try db.alter(table: "records") { table in table.add(column: "segment", .integer) }
        }
        // Why leases ended as words, in place of texts to be parsed; and without a log that nobody read.
        migrator.registerMigration("4 endings, no events") { db in
            try db.alter(table: "records") { table in table.add(column: "ending", .text) }
            try LeaseEnding.migrate(db)
            try db.drop(table: "events")
        }
        // Of what windows failed on; null in rows of earlier releases, which counted workers.
        migrator.registerMigration("5 machines") { db in
            try db.alter(table: "records") { table in table.add(column: "machine", .text) }
        }
        // A checksum over all columns, and what is known of the journal as a whole.
        migrator.registerMigration("6 digests, meta", foreignKeyChecks: .immediate) { db in
            try db.alter(table: "records") { table in table.add(column: RowDigest.column, .integer) }
            try db.create(table: "meta") { table in
                table.primaryKey("key", .text)
                table.column("value", .integer).notNull()
            }
            try RowDigest.migrate(db)
        }
        // Machines that gave wrong tokens.
        migrator.registerMigration("7 verdicts") { db in try VerdictRow.migrate(db) }
        // Checksums of these, too, and the least epoch twice.
        migrator.registerMigration("8 checked verdicts, epochs") { db in
            try VerdictRow.addChecksums(db)
            try JournalMeta.migrate(db)
        }
        // What is counted over the journal's whole life; it begins with this release.
        migrator.registerMigration("9 totals") { db in try TotalRow.migrate(db) }
        // Names and notes of songs are records of a new kind, which earlier releases do not know.
        migrator.registerMigration("10 notes") { _ in }
        return migrator
    }
}
