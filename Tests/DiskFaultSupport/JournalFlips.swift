import CoordinatorCore
import Foundation
import Journal
import SongPlan
import TestSupport

/// Changes bytes of each page of a journal's file, and opens it: what was changed must be noticed or harmless, nothing may be
/// read that was not written, and the coordinator must be able to go on.
package struct JournalFlips {
    package struct Report: Sendable {
        package var flips = 0
        package var pages = 0
        /// All that was written was read all the same.
        package var harmless = 0
        /// Some rows were told as damaged, or found again.
        package var told = 0
        /// Pages were damaged, and what could be read went into a new file.
        package var salvaged = 0
        /// It could not be opened, and the message says what to do.
        package var refused = 0
        /// Songs whose submission was lost, of all.
        package var songsLost = 0
        package var faults: [String] = []

        package var text: String {
            "\(flips) flips on \(pages) pages: \(harmless) harmless, \(told) damaged rows told, \(salvaged) read page by page, "
                + "\(refused) refused with advice; \(songsLost) times a song's submission was lost; \(faults.count) not noticed"
        }
    }

    private let file: [UInt8]
    private let original: JournalContents
    private let records: Set<CoordinatorCore.Record>
    private let songs: Int

    /// A journal that many songs went through, in one file.
    package init(steps: Int, seed: UInt64) throws {
        let folder = try TestFolder.make("flips")
        try JournalHistory(steps: steps, seed: seed).write(to: folder) { _ in }
        let journal = try Journal(folder: folder)
        original = try journal.read()
        journal.close()
        file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Journal.path(folder))))
        records = Set(original.entries.map(\.record))
        songs = Self.songs(original)
    }

    /// - Parameter count: flips on each page: half of them in its head, where the page says what it is.
    package func run(onEachPage count: Int, seed: UInt64, progress: (Int, Int) -> Void = { _, _ in }) throws -> Report {
        var (dice, report) = (Dice(seed: seed), Report())
        report.pages = file.count / 4096
        for page in 0..<report.pages {
            for number in 0..<count {
                let head = page == 0 ? 108 : 16
                let place = page * 4096 + Int.random(in: number.isMultiple(of: 2) ? 0..<head : 0..<4096, using: &dice)
                let mask: UInt8 = [1, 0x80, 0xff, UInt8.random(in: 1...255, using: &dice)][number / 2 % 4]
                try flip(place, mask, &report)
            }
            progress(page + 1, report.pages)
        }
        return report
    }

    private func flip(_ place: Int, _ mask: UInt8, _ report: inout Report) throws {
        var damaged = file
        damaged[place] ^= mask
        let folder = try TestFolder.make("flip")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(damaged).write(to: URL(fileURLWithPath: Journal.path(folder)))
        report.flips += 1
        func fault(_ what: String) {
            report.faults.append("byte \(place % 4096) of page \(place / 4096 + 1), mask \(mask): \(what)")
        }
        let (journal, contents): (Journal, JournalContents)
        do throws(JournalError) {
            journal = try Journal(folder: folder)
            contents = try journal.read()
        } catch {
            report.refused += 1
            let words = "\(error)"
            if !words.contains("backup"), !words.contains("newer version") {
                fault("the message does not help: \(words)")
            }
            return
        }
        defer { journal.close() }
        if let wrong = wrong(contents) { return fault(wrong) }
        let isWhole = contents.entries == original.entries && contents.leastEpoch == original.leastEpoch
        let isTold = !contents.damage.isEmpty || !contents.otherFaults.isEmpty || !contents.repaired.isEmpty
        report.songsLost += songs - Self.songs(contents)
        if journal.salvage != nil {
            report.salvaged += 1
        } else if isTold {
            report.told += 1
        } else if isWhole {
            report.harmless += 1
        } else {
            return fault("something else was read, and nothing was said")
        }
        guard let all = try? journal.integrityFaults() else { return fault("it goes on with a file that is malformed") }
        let left = all.filter { !$0.contains("NULL value in") && !$0.contains("without song") }
        if let first = left.first { fault("it goes on with a damaged file: \(first)") }
    }

    private static func songs(_ contents: JournalContents) -> Int {
        contents.entries.count { if case .songSubmitted = $0.record { true } else { false } }
    }

    /// What was read that nobody wrote.
    private func wrong(_ contents: JournalContents) -> String? {
        for entry in contents.entries where !records.contains(entry.record) {
            // What is damaged of a verdict counts as one.
            if case .verdict = entry.record { continue }
            // A song whose end is damaged has ended all the same.
            if case .songState(_, let state) = entry.record, state.isEnded { continue }
            return "nobody wrote \(entry.record)"
        }
        if contents.leastEpoch < original.leastEpoch {
            return "epochs from \(contents.leastEpoch) on may be given again"
        }
        var dropped: [DroppedRecord] = []
        _ = Coordinator(
            mending: contents.entries.map(\.record), leastEpoch: contents.leastEpoch, settings: Settings(),
            now: Instant(nanoseconds: 0), dropped: &dropped)
        return nil
    }
}
