import Foundation
import GRDB

/// What a look at a journal found. It may be in use meanwhile: nothing is changed.
package struct JournalCheck: Sendable, Hashable, Encodable {
    package struct Backup: Sendable, Hashable, Encodable {
        package var file: String
        package var ageSeconds: Double

        private enum CodingKeys: String, CodingKey {
            case file
            case ageSeconds = "age_seconds"
        }
    }

    package var file: String
    package var songs = 0
    package var records = 0
    package var bytes = 0
    package var freeBytes = 0
    /// What SQLite finds wrong with the file.
    package var structure: [String] = []
    /// Rows that are not what was written.
    package var damagedRows: [String] = []
    package var backups: [Backup] = []

    private enum CodingKeys: String, CodingKey {
        case file, songs, records, bytes, structure, backups
        case freeBytes = "free_bytes"
        case damagedRows = "damaged_rows"
    }

    package var isWell: Bool { structure.isEmpty && damagedRows.isEmpty }
    private static let most = 100

    package init(file: String) { self.file = file }

    /// - Throws: `JournalError` when it cannot be opened at all.
    package static func of(folder: String) throws(JournalError) -> JournalCheck {
        let path = Journal.path(folder)
        guard FileManager.default.fileExists(atPath: path) else {
            throw .cannotUseFolder(path: folder, reason: "there is no journal.sqlite in it")
        }
        var check = JournalCheck(file: path)
        check.backups = JournalBackup.all(beside: path).map { file in
            let date = (try? FileManager.default.attributesOfItem(atPath: file))?[.modificationDate] as? Date
            return Backup(file: file, ageSeconds: date.map { max(0, Date().timeIntervalSince($0).rounded()) } ?? 0)
        }
        if let damage = LogDamage.look(path, on: SystemDisk()) { check.structure.append(damage.text) }
        try Journal.guarding(path, "checking") {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            do {
                try queue.read { db in try check.look(db) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                check.structure.append(error.message ?? "malformed")
            }
            try queue.close()
        }
        return check
    }

    private mutating func look(_ db: Database) throws {
        let size = try JournalSize.of(db)
        (bytes, freeBytes) = (size.bytes, size.freeBytes)
        structure += Array(try Journal.integrityFaults(db).prefix(Self.most))
        songs = try Int.fetchOne(db, sql: "SELECT count(*) FROM songs") ?? 0
        records = try Int.fetchOne(db, sql: "SELECT count(*) FROM records") ?? 0
        let contents = try Journal.contents(db)
        damagedRows = contents.damage.prefix(Self.most).map(\.what)
        damagedRows += contents.otherFaults + (try TotalRow.all(db).damaged)
        damagedRows += contents.unmentioned.sorted().map {
            "the record that song \($0) was submitted is lost, which can be mended"
        }
        damagedRows += contents.repaired.keys.sorted().map {
            "the row of song \($0) has a damaged byte, which can be mended"
        }
    }
}
