import CoordinatorCore
import Foundation
import GRDB
import SongPlan
import SystemErrors

/// What could be read of a journal with damaged pages, and went into a new file.
package struct Salvage: Sendable, Hashable {
    /// What SQLite says of the damage.
    package var damage: String
    /// The damaged file, as it was.
    package var copy: String
    /// Records that could be read.
    package var rows = 0
    /// Songs whose submission could be read.
    package var songs = 0
    /// Rows and pages that could not be read.
    package var unreadable = 0

    /// Reads what can be read of a journal, page by page, into a new one, which takes its place.
    ///
    /// - Throws: `damage` when nothing of a journal can be read; other errors where the disk does not let it be done now.
    static func make(
        _ path: String, damage: JournalError, on disk: any JournalDisk
    ) throws(JournalError) -> Salvage {
        let part = path + ".salvaged"
        func removePart() { for ending in ["", "-wal", "-shm"] { disk.remove(part + ending) } }
        removePart()
        defer { removePart() }
        do {
            let found = try SalvagedRows(PageReader(path, on: disk))
            guard found.isOfJournal else { throw damage }
            var salvage = Salvage(damage: "\(damage)", copy: try JournalBackup.keepDamaged(path, on: disk))
            if case .corrupt(_, let what) = damage { salvage.damage = what }
            (salvage.rows, salvage.songs, salvage.unreadable) = (
                found.records.count, found.songs.count, found.unreadable
            )
            var plain = Journal.configuration
            // Of a song whose submission is lost, records are kept all the same.
            plain.foreignKeysEnabled = false
            let target = try DatabaseQueue(path: disk.database(part), configuration: plain)
            try Schema.migrator.migrate(target)
            try target.write(found.insert)
            try target.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try target.close()
            try JournalSwitch.make(part, path, on: disk)
            return salvage
        } catch let error as JournalError {
            throw error
        } catch let error as SystemError {
            throw .refused(error)
        } catch let error as DatabaseError {
            throw .unavailable(path: path, doing: "salvaging", reason: error.message ?? "the disk fails")
        } catch {
            throw .failed(path: path, doing: "salvaging", reason: error.explanation)
        }
    }
}

/// Rows of a journal's tables, told from one another by their form.
struct SalvagedRows {
    private(set) var songs: [PageReader.Row] = []
    private(set) var records: [PageReader.Row] = []
    private var verdicts: [PageReader.Row] = []
    private var totals: [PageReader.Row] = []
    private var epochs: [Epoch] = []
    private var hasMigrations = false
    private(set) var unreadable = 0

    /// Columns in the order in which they are stored: as they were added.
    private static let recordColumns = [
        "id", "kind", "song", "sample", "level", "window", "epoch", "worker", "start", "text", "tokens", "checksum",
        "time",
        "segment", "ending", "machine", RowDigest.column,
    ]
    private static let fewestRecordColumns = 12
    private static let songColumns = ["id", "submitted_at", "submission", "checksum"]
    private static let verdictColumns = ["id", "after", "machine", "reason", "time", "checksum", RowDigest.column]
    private static let fewestVerdictColumns = 5

    init(_ reader: PageReader) {
        unreadable = reader.forEachRow { row in add(row) }
        songs.sort { $0.number < $1.number }
        records.sort { $0.number < $1.number }
        verdicts.sort { $0.number < $1.number }
    }

    /// Whether it is worth a new file: with submissions, or of a journal that has none.
    var isOfJournal: Bool { !songs.isEmpty || (hasMigrations && records.isEmpty) }

    private mutating func add(_ row: PageReader.Row) {
        let values = row.values
        switch values.count {
        case 1:
            if let name = text(values[0]), Schema.migrator.migrations.contains(name) { hasMigrations = true }
        case 2:
            if let key = text(values[0]), let value = number(values[1]) { addEpoch(key, value) }
        case 4:
            if text(values[0]) != nil, text(values[2])?.hasPrefix("{") == true { songs.append(row) }
            if TotalRow.fits(values) { totals.append(row) }
        case Self.fewestVerdictColumns, Self.verdictColumns.count:
            if values[0].isNull, number(values[1]) != nil, text(values[2]) != nil { verdicts.append(row) }
        case Self.fewestRecordColumns...Self.recordColumns.count:
            guard values[0].isNull, let kind = text(values[1]), RecordRow.Kind(rawValue: kind) != nil else { return }
            let columns = Array(zip(Self.recordColumns, values))
            if let digest = columns.first(where: { $0.0 == RowDigest.column })?.1 {
                guard number(digest) == RowDigest.of(columns) else { return unreadable += 1 }
            }
            records.append(row)
            if let epoch = number(values[6]) { epochs.append(Epoch(bitPattern: epoch)) }
        default: break
        }
    }

    private mutating func addEpoch(_ key: String, _ value: Int64) {
        if key == JournalMeta.epochKey { epochs.append(Epoch(bitPattern: value)) }
        if key == JournalMeta.mirrorKey { epochs.append(Epoch(bitPattern: ~value)) }
    }

    private func text(_ value: DatabaseValue) -> String? { String.fromDatabaseValue(value) }

    // Inlined, it ends the compiler of Swift 6.3.1 in release builds ("Found ownership error").
    @inline(never)
    private func number(_ value: DatabaseValue) -> Int64? {
        if case .int64(let number) = value.storage { number } else { nil }
    }

    /// Into the tables of a new journal.
    func insert(_ db: Database) throws {
        for row in songs {
            try insert(row, "songs", ["rowid"] + Self.songColumns, [row.number.databaseValue] + row.values, db)
        }
        for row in records { try insert(row, "records", Self.recordColumns, numbered(row), db) }
        for row in verdicts { try insert(row, "verdicts", Self.verdictColumns, numbered(row), db) }
        for row in totals { try insert(row, "totals", TotalRow.columns, row.values, db) }
        if records.contains(where: { $0.values.count < Self.recordColumns.count }) {
            try LeaseEnding.migrate(db)
            try RowDigest.migrate(db, where: "\(RowDigest.column) IS NULL")
        }
        try VerdictRow.completeOldRows(db)
        try JournalMeta.write(JournalMeta.safe(epochs), db)
    }

    /// The number of a row is stored apart from its columns.
    private func numbered(_ row: PageReader.Row) -> [DatabaseValue] {
        [row.number.databaseValue] + row.values.dropFirst()
    }

    private func insert(
        _ row: PageReader.Row, _ table: String, _ names: [String], _ values: [DatabaseValue], _ db: Database
    ) throws {
        let names = names.prefix(values.count)
        let places = names.map { _ in "?" }.joined(separator: ", ")
        do {
            // Of two rows with one number, as damage may make them, the first counts.
            try db.execute(
                sql: "INSERT OR IGNORE INTO \(table) (\(names.joined(separator: ", "))) VALUES (\(places))",
                arguments: StatementArguments(values))
        } catch let error as DatabaseError where [.SQLITE_CONSTRAINT, .SQLITE_MISMATCH].contains(error.resultCode) {
            // It is no row of the table.
        }
    }
}
