package import CoordinatorCore
package import Journal
package import ProgramLog
package import SongPlan
import SystemErrors

/// What a journal says at a start: a core that goes on from it. What is damaged is left away, told, and sampled again.
package struct ReplayedJournal: Sendable {
    package let core: Coordinator
    /// Songs whose submission is lost, and why; what else the journal has of them stays there.
    package let lost: [SongID: String]
    /// By song that has ended, seconds since 1970.
    package let endings: [SongID: Double]
    /// Whether nothing is left away: false where damaged records could not be deleted, or are kept as they are.
    package let isWhole: Bool

    /// Reads and mends a journal.
    ///
    /// - Parameter log: is told what is wrong with it, and what becomes of that.
    /// - Throws: `JournalError` when it cannot be read.
    package init(
        _ journal: Journal, settings: Settings, log: (String, LogLevel, LogFields) -> Void
    ) throws(JournalError) {
        if let salvage = journal.salvage {
            log(
                "warning: the journal was damaged (\(salvage.damage)); \(salvage.rows) records could be read and are in a "
                    + "new one; the damaged one is kept as \(salvage.copy); what is lost of unfinished songs is sampled again",
                .warning, LogFields())
        }
        if let damage = journal.logDamage {
            let copy =
                damage.copy.map { "the journal as it was is kept as \($0)" } ?? "there was no room for a copy of it"
            log(
                "warning: the journal is damaged: \(damage.text); what they held is sampled again, and \(copy)",
                .warning,
                LogFields())
        }
        for damage in journal.damagedTotals {
            log("warning: the journal is damaged: \(damage); it counts from 0 again", .warning, LogFields())
        }
        let contents = try journal.read()
        var dropped: [DroppedRecord] = []
        core = Coordinator(
            mending: contents.entries.map(\.record), leastEpoch: contents.leastEpoch, settings: settings,
            now: Instant(nanoseconds: 0), dropped: &dropped)
        endings = contents.endings
        lost = Self.lost(contents, dropped, core)
        isWhole = Self.mend(journal, contents, dropped, core, lost: Set(lost.keys), log: log)
        if !contents.entries.isEmpty {
            let ended = core.songIDs.count { core.state(of: $0)?.isEnded ?? true }
            let open = core.songIDs.count - ended
            log(
                "goes on with \(open) unfinished \(open == 1 ? "song" : "songs") from the journal"
                    + (ended > 0 ? "; \(ended) had ended" : ""), .info, LogFields())
        }
    }

    /// Songs of which records are there, and no submission that can be read.
    private static func lost(
        _ contents: JournalContents, _ dropped: [DroppedRecord], _ core: Coordinator
    ) -> [SongID: String] {
        var lost: [SongID: String] = [:]
        for damage in contents.damage where !damage.mayBeDropped {
            if let song = damage.song, core.state(of: song) == nil { lost[song] = damage.what }
        }
        for drop in dropped where core.state(of: drop.song) == nil {
            lost[drop.song] = lost[drop.song] ?? "\(drop.why)"
        }
        return lost
    }

    /// Deletes what is damaged and what does not fit without it, after a copy was made. Where that cannot be done, it stays
    /// and is left away at each start.
    ///
    /// - Returns: whether nothing of the kind is there.
    private static func mend(
        _ journal: Journal, _ contents: JournalContents, _ dropped: [DroppedRecord], _ core: Coordinator,
        lost: Set<SongID>, log: (String, LogLevel, LogFields) -> Void
    ) -> Bool {
        let damaged = contents.damage.filter { $0.mayBeDropped && !lost.contains($0.song ?? "") }
        let unfit = dropped.filter { !lost.contains($0.song) }
        let repaired = contents.repaired.keys.sorted().compactMap(core.submission)
        let restated = contents.restated.filter { !lost.contains($0.record.song) }
        guard
            !damaged.isEmpty || !unfit.isEmpty || !repaired.isEmpty || !contents.otherFaults.isEmpty
                || !restated.isEmpty
        else { return lost.isEmpty }
        for fault in contents.otherFaults { log("warning: the journal is damaged: \(fault)", .warning, LogFields()) }
        for damage in damaged.prefix(20) {
            log("warning: the journal is damaged: \(damage.what)", .warning, LogFields(song: damage.song))
        }
        let bySong = Dictionary(grouping: damaged.map { $0.song ?? "?" } + unfit.map(\.song), by: \.self)
        let counts = bySong.sorted { $0.key < $1.key }.map { "\($0.value.count) of song \($0.key)" }
        if !counts.isEmpty {
            log(
                "drops damaged records and those that do not fit without them: \(counts.joined(separator: ", ")); "
                    + "what they held is sampled again", .warning, LogFields())
        }
        for song in contents.unmentioned.sorted() {
            log(
                "the record that song \(song) was submitted is lost; its row says so, too", .warning,
                LogFields(song: song))
        }
        for song in contents.repaired.keys.sorted() {
            log("a damaged byte in the row of song \(song) was found again", .warning, LogFields(song: song))
        }
        do {
            let copy = try journal.mend(
                contents, dropping: damaged.map(\.row) + unfit.map { contents.entries[$0.place].row },
                restating: restated, rewriting: repaired)
            log("the journal as it was is kept as \(copy)", .info, LogFields())
            return lost.isEmpty
        } catch {
            log(
                "the damaged records stay in the journal, because it cannot be copied: \(error.waitingExplanation)",
                .warning, LogFields())
            return false
        }
    }
}
