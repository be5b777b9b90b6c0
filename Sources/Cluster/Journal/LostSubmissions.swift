import CoordinatorCore
import SongPlan

/// The submission has a table of its own. So a song is known, too, whose record of it is lost. It comes before all that is
/// known of the song, and before the songs that were submitted later: the order of songs must not depend on what is added.
extension JournalContents {
    mutating func addUnmentioned(_ submissions: SubmissionRow.Table) {
        var known: Set<SongID> = []
        for case .songSubmitted(let submission) in entries.map(\.record) { known.insert(submission.song) }
        let rows = submissions.found.mapValues(\.row)
        // The last one first, so that those before find it.
        for found in submissions.found.values.sorted(by: { $0.row > $1.row })
        where !known.contains(found.submission.song) {
            let song = found.submission.song
            let place = entries.firstIndex { entry in
                if entry.record.song == song { return true }
                guard case .songSubmitted(let other) = entry.record else { return false }
                return rows[other.song].map { $0 > found.row } ?? false
            }
            let entry = Entry(row: freeRow(before: place), record: .songSubmitted(found.submission))
            entries.insert(entry, at: place ?? entries.endIndex)
            unmentioned.insert(song)
            if entry.row >= 0 { restated.insert(entry, at: 0) }
        }
    }

    /// The number of a row that may be written before one, since the one that had it is lost.
    ///
    /// - Parameter place: among the entries; nil for one after all of them.
    /// - Returns: 0 after all of them, a negative one where there is none.
    private func freeRow(before place: Int?) -> Int64 {
        guard let place, let next = entries[place...].first(where: { $0.row > 0 })?.row else { return 0 }
        let former = entries[..<place].last { $0.row > 0 }?.row ?? 0
        let taken = Set(damage.filter { !$0.mayBeDropped }.map(\.row))
        var row = next - 1
        while row > former, taken.contains(row) { row -= 1 }
        return row > former ? row : -1
    }
}
