package import CoordinatorCore
import Foundation
import GRDB
package import SongPlan

/// All that a journal holds, as far as it can be read.
package struct JournalContents: Sendable {
    package struct Entry: Sendable, Hashable {
        /// Of its row.
        package var row: Int64
        package var record: CoordinatorCore.Record
    }

    /// A row that is not what was written.
    package struct Damage: Sendable, Hashable {
        package var row: Int64
        /// As far as it can be read.
        package var song: SongID?
        package var what: String
        /// Whether it goes on without the row. A song whose submission is lost is kept as it is.
        package var mayBeDropped: Bool
    }

    /// In the order in which they were appended.
    package var entries: [Entry] = []
    package var damage: [Damage] = []
    /// Epochs up to here may have been granted, whatever was deleted since.
    package var leastEpoch: Epoch = 1
    /// By song that has ended, seconds since 1970; not of earlier releases.
    package var endings: [SongID: Double] = [:]
    /// Songs whose submission had a damaged byte, which was found again.
    package var repaired: [SongID] = []
    /// Of damaged rows, what they say all the same.
    package var restated: [Entry] = []

    package init() {}
}

extension Journal {
    /// All that can be read. Damaged rows are told and left away.
    ///
    /// - Throws: `JournalError.corrupt` where the file itself is damaged.
    package func read() throws(JournalError) -> JournalContents {
        try guarding("reading") { try database.read(Self.contents) }
    }

    static func contents(_ db: Database) throws -> JournalContents {
        var contents = JournalContents()
        // A journal of an earlier release, which is only looked at, has no digests yet.
        let hasDigests = try db.tableExists("meta")
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM records ORDER BY id")
        var verdicts = try VerdictRow.all(db)[...]
        while let row = try rows.next() {
            while let next = verdicts.first, next.after < Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? 0 {
                contents.entries.append(.init(row: -1, record: next.record))
                verdicts.removeFirst()
            }
            try add(row, hasDigests, to: &contents, db)
        }
        contents.entries += verdicts.map { .init(row: -1, record: $0.record) }
        try addUnmentioned(to: &contents, db)
        if hasDigests { contents.leastEpoch = max(contents.leastEpoch, try JournalMeta.leastEpoch(db)) }
        return contents
    }

    /// The submission has a table of its own. So a song is known, too, whose record of it is lost.
    private static func addUnmentioned(to contents: inout JournalContents, _ db: Database) throws {
        var known: Set<SongID> = []
        for case .songSubmitted(let submission) in contents.entries.map(\.record) { known.insert(submission.song) }
        let told = Set(contents.damage.filter { !$0.mayBeDropped }.compactMap(\.song))
        for song in try String.fetchAll(db, sql: "SELECT id FROM songs ORDER BY rowid") where !known.contains(song) {
            var isRepaired = false
            do {
                let submission = try submission(song, db, &isRepaired)
                let place = contents.entries.firstIndex { $0.record.song == song } ?? contents.entries.endIndex
                contents.entries.insert(.init(row: -1, record: .songSubmitted(submission)), at: place)
                if isRepaired { contents.repaired.append(song) }
            } catch let fault as RowFault {
                guard !told.contains(song) else { continue }
                contents.damage.append(.init(row: -1, song: song, what: fault.what, mayBeDropped: false))
            }
        }
    }

    private static func add(
        _ row: Row, _ hasDigests: Bool, to contents: inout JournalContents, _ db: Database
    ) throws {
        let id = Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? -1
        let song = String.fromDatabaseValue(row["song"] as DatabaseValue)
        guard !hasDigests || RowDigest.fits(row) else {
            // That a song has ended is a word that damage does not make.
            if let record = try? RecordRow(row).record(submission: try none()),
                case .songState(_, let state) = record, state.isEnded
            {
                contents.entries.append(.init(row: id, record: record))
                contents.restated.append(.init(row: id, record: record))
            }
            let what = "record \(id) does not match its checksum" + RecordRow.place(row)
            return contents.damage.append(.init(row: id, song: song, what: what, mayBeDropped: true))
        }
        do {
            var isRepaired = false
            let parsed = try RecordRow(row)
            let found = try parsed.record(submission: try submission(parsed.song, db, &isRepaired))
            guard let record = found else {
                throw RowFault("record \(id) (\(parsed.kind.rawValue)) lacks a column")
            }
            if isRepaired { contents.repaired.append(parsed.song) }
            contents.entries.append(.init(row: id, record: record))
            if case .songState(let song, let state) = record, state.isEnded { contents.endings[song] = parsed.time }
            if let epoch = parsed.epoch { contents.leastEpoch = max(contents.leastEpoch, epoch &+ 1) }
        } catch let fault as RowFault {
            contents.damage.append(
                .init(row: id, song: song, what: fault.what, mayBeDropped: RecordRow.kind(row) != .submitted))
        }
    }

    private static func none() throws -> Submission { throw RowFault("a damaged row says nothing of a submission") }

    private static func submission(_ song: SongID, _ db: Database, _ isRepaired: inout Bool) throws -> Submission {
        let row = try Row.fetchOne(
            db, sql: "SELECT CAST(submission AS BLOB) AS json, checksum FROM songs WHERE id = ?", arguments: [song])
        guard let row, let json = Data.fromDatabaseValue(row["json"] as DatabaseValue),
            let checksum = Int64.fromDatabaseValue(row["checksum"] as DatabaseValue),
            let bytes = TextRepair.repaired(Array(json), checksum: checksum)
        else { throw RowFault("the submission of song \(song) does not match its checksum") }
        isRepaired = bytes != Array(json)
        do {
            return try JSONDecoder().decode(Submission.self, from: Data(bytes))
        } catch {
            throw RowFault("the submission of song \(song) cannot be read: \(error)")
        }
    }

    /// All records, in the order in which they were appended.
    ///
    /// - Throws: `JournalError.corrupt`, which names what is not as it was written.
    package func replay() throws(JournalError) -> [CoordinatorCore.Record] {
        let contents = try read()
        if let damage = contents.damage.first { throw .corrupt(path: path, what: damage.what) }
        return contents.entries.map(\.record)
    }

    /// Deletes damaged rows, after a copy of the file was made, writes what they say all the same anew, and submissions
    /// of which a byte was found again as they were.
    ///
    /// - Returns: the copy.
    package func mend(
        dropping rows: [Int64], restating entries: [JournalContents.Entry], rewriting submissions: [Submission]
    ) throws -> String {
        let copy = try JournalBackup.keepDamaged(path, on: disk)
        let time = time
        try guarding("writing to") {
            try database.write { db in
                for row in rows { try db.execute(sql: "DELETE FROM records WHERE id = ?", arguments: [row]) }
                for entry in entries {
                    try db.execute(sql: RecordRow.insertion, arguments: RecordRow(entry.record).arguments(time: time))
                    // Where it was before.
                    try db.execute(
                        sql: "UPDATE records SET id = ? WHERE id = last_insert_rowid()", arguments: [entry.row])
                }
                for submission in submissions {
                    let json = try Self.json(submission)
                    try db.execute(
                        sql: "UPDATE songs SET submission = ?, checksum = ? WHERE id = ?",
                        arguments: [json, Checksum.of(json.utf8), submission.song])
                }
            }
        }
        return copy
    }
}

/// What is known of the journal as a whole.
enum JournalMeta {
    static func leastEpoch(_ db: Database) throws -> Epoch {
        let value = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'epoch'")
        return value.map { Epoch(bitPattern: $0) } ?? 1
    }

    /// Rows of a song are about to go: no epoch of theirs is given again.
    static func noteEpochs(of song: SongID, _ db: Database) throws {
        let epochs = try Int64.fetchAll(
            db, sql: "SELECT DISTINCT epoch FROM records WHERE song = ? AND epoch IS NOT NULL", arguments: [song])
        guard let highest = epochs.map({ Epoch(bitPattern: $0) }).max() else { return }
        let next = max(try leastEpoch(db), highest &+ 1)
        try db.execute(
            sql: "INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)", arguments: [Int64(bitPattern: next)])
    }
}
