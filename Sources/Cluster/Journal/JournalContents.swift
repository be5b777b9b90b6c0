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
    /// Songs of whose submission something was damaged and found again, with the numbers of their rows.
    package var repaired: [SongID: Int64] = [:]
    /// Verdicts and the least epoch: what is wrong with them; what can be known of them is written anew.
    package var otherFaults: [String] = []
    var damagedVerdicts: [VerdictRow] = []
    var isEpochDamaged = false
    /// Of damaged and lost rows, what is known of them all the same; the number of a row is 0 for one after all others.
    package var restated: [Entry] = []
    /// Songs whose submission can be read, and the record of it is lost.
    package var unmentioned: Set<SongID> = []

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
        let submissions = try SubmissionRow.all(db)
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM records ORDER BY id")
        let verdicts = try VerdictRow.all(db)
        var rest = verdicts[...]
        while let row = try rows.next() {
            while let next = rest.first, next.after < Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? 0 {
                contents.entries.append(.init(row: -1, record: next.record))
                rest.removeFirst()
            }
            add(row, hasDigests, submissions, to: &contents)
        }
        contents.entries += rest.map { .init(row: -1, record: $0.record) }
        contents.damagedVerdicts = verdicts.filter { $0.fault != nil }
        contents.otherFaults = verdicts.compactMap(\.fault)
        let told = Set(contents.damage.filter { !$0.mayBeDropped }.compactMap(\.song))
        for (song, what) in submissions.damaged.sorted(by: { $0.key < $1.key }) where !told.contains(song) {
            contents.damage.append(.init(row: -1, song: song, what: what, mayBeDropped: false))
        }
        contents.addUnmentioned(submissions)
        contents.repaired = submissions.found.filter { $0.value.isRepaired }.mapValues(\.row)
        if hasDigests {
            let epoch = try JournalMeta.leastEpoch(db)
            contents.leastEpoch = max(contents.leastEpoch, epoch.leastEpoch)
            if let fault = epoch.fault {
                contents.isEpochDamaged = true
                contents.otherFaults.append(fault)
            }
        }
        return contents
    }

    private static func add(
        _ row: Row, _ hasDigests: Bool, _ submissions: SubmissionRow.Table, to contents: inout JournalContents
    ) {
        let id = Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? -1
        let song = String.fromDatabaseValue(row["song"] as DatabaseValue)
        guard !hasDigests || RowDigest.fits(row) else {
            // That a song has ended is a word that damage does not make.
            if let record = try? RecordRow(row).record(submission: none),
                case .songState(_, let state) = record, state.isEnded
            {
                contents.entries.append(.init(row: id, record: record))
                contents.restated.append(.init(row: id, record: record))
            }
            let what = "record \(id) does not match its checksum" + RecordRow.place(row)
            return contents.damage.append(.init(row: id, song: song, what: what, mayBeDropped: true))
        }
        do throws(RowFault) {
            let parsed = try RecordRow(row)
            guard let record = try parsed.record(submission: { () throws(RowFault) in try submissions[parsed.song] })
            else {
                throw RowFault("record \(id) (\(parsed.kind.rawValue)) lacks a column")
            }
            contents.entries.append(.init(row: id, record: record))
            if case .songState(let song, let state) = record, state.isEnded { contents.endings[song] = parsed.time }
            if let epoch = parsed.epoch { contents.leastEpoch = max(contents.leastEpoch, epoch &+ 1) }
        } catch {
            contents.damage.append(
                .init(row: id, song: song, what: error.what, mayBeDropped: RecordRow.kind(row) != .submitted))
        }
    }

    private static func none() throws -> Submission { throw RowFault("a damaged row says nothing of a submission") }

    /// All records, in the order in which they were appended.
    ///
    /// - Throws: `JournalError.corrupt`, which names what is not as it was written.
    package func replay() throws(JournalError) -> [CoordinatorCore.Record] {
        let contents = try read()
        if let fault = contents.damage.first?.what ?? contents.otherFaults.first {
            throw .corrupt(path: path, what: fault)
        }
        return contents.entries.map(\.record)
    }

    /// Deletes damaged rows, after a copy of the file was made, and writes anew what they say all the same: ends of songs,
    /// submissions of which something was found again, verdicts, and the least epoch.
    ///
    /// - Returns: the copy.
    package func mend(
        _ contents: JournalContents, dropping rows: [Int64], restating entries: [JournalContents.Entry],
        rewriting submissions: [Submission]
    ) throws -> String {
        let copy = try JournalBackup.keepDamaged(path, on: disk)
        let time = time
        try guarding("writing to") {
            try database.write { db in
                for row in rows { try db.execute(sql: "DELETE FROM records WHERE id = ?", arguments: [row]) }
                for entry in entries {
                    try db.execute(sql: RecordRow.insertion, arguments: RecordRow(entry.record).arguments(time: time))
                    guard entry.row > 0 else { continue }
                    // Where it was before.
                    try db.execute(
                        sql: "UPDATE records SET id = ? WHERE id = last_insert_rowid()", arguments: [entry.row])
                }
                for submission in submissions {
                    let json = try Self.json(submission)
                    try db.execute(
                        sql: "UPDATE songs SET id = ?, submission = ?, checksum = ? WHERE rowid = ?",
                        arguments: [submission.song, json, Checksum.of(json.utf8), contents.repaired[submission.song]])
                }
                for verdict in contents.damagedVerdicts { try verdict.rewrite(db) }
                if contents.isEpochDamaged { try JournalMeta.write(contents.leastEpoch, db) }
            }
        }
        return copy
    }
}
