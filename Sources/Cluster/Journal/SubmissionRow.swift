import CoordinatorCore
import Foundation
import GRDB
import SongPlan

/// A song's submission as a row of the table `songs`: JSON with a checksum. The song's name is in it; a damaged column `id` is
/// found again by that.
struct SubmissionRow {
    var row: Int64
    var submission: Submission
    /// Whether something of the row was damaged, and found again.
    var isRepaired: Bool

    /// All of them.
    struct Table {
        fileprivate(set) var found: [SongID: SubmissionRow] = [:]
        /// What is wrong with those that cannot be read, by song as far as that can be.
        fileprivate(set) var damaged: [SongID: String] = [:]

        subscript(_ song: SongID) -> Submission {
            get throws(RowFault) {
                guard let row = found[song] else {
                    throw RowFault(damaged[song] ?? "the submission of song \(song) does not match its checksum")
                }
                return row.submission
            }
        }
    }

    static func all(_ db: Database) throws -> Table {
        var table = Table()
        let rows = try Row.fetchCursor(
            db, sql: "SELECT rowid AS number, id, CAST(submission AS BLOB) AS json, checksum FROM songs ORDER BY rowid")
        while let row = try rows.next() {
            let song = String.fromDatabaseValue(row["id"] as DatabaseValue)
            do throws(RowFault) {
                let found = try SubmissionRow(row, song)
                // Of two rows for one song, as damage may make them, the first counts.
                if table.found[found.submission.song] == nil { table.found[found.submission.song] = found }
            } catch {
                table.damaged[song ?? "?"] = error.what
            }
        }
        return table
    }

    private init(_ row: Row, _ song: SongID?) throws(RowFault) {
        guard let json = Data.fromDatabaseValue(row["json"] as DatabaseValue),
            let checksum = Int64.fromDatabaseValue(row["checksum"] as DatabaseValue),
            let bytes = TextRepair.repaired(Array(json), checksum: checksum)
        else { throw RowFault("the submission of song \(song ?? "?") does not match its checksum") }
        do {
            submission = try JSONDecoder().decode(Submission.self, from: Data(bytes))
        } catch {
            throw RowFault("the submission of song \(song ?? "?") cannot be read: \(error)")
        }
        self.row = Int64.fromDatabaseValue(row["number"] as DatabaseValue) ?? -1
        isRepaired = bytes != Array(json) || Checksum.of(json) != checksum || submission.song != song
    }
}
