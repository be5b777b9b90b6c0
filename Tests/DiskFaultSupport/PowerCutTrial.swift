import CoordinatorCore
import Foundation
package import Journal
import TestSupport

/// Opens what power cuts leave of a journal, and looks whether all that was acknowledged is there.
package struct PowerCutTrial: Sendable {
    /// What came of it.
    package struct Report: Sendable {
        package var images = 0
        /// Images by what became of changes that were not synced.
        package var byLoss: [PowerCuts.Loss: Int] = [:]
        /// Images that lack something that a process wrote.
        package var withLosses = 0
        package var faults: [String] = []
        package var opening = Duration.zero

        package var text: String {
            let milliseconds = opening / .milliseconds(1) / Double(max(1, images))
            let kinds = PowerCuts.Loss.allCases.map { "\(byLoss[$0] ?? 0) \($0)" }.joined(separator: ", ")
            return "\(images) images (\(kinds)), \(withLosses) lack something that was written; "
                + "\(faults.count) lost what was acknowledged or were damaged; opened in \(String(format: "%.1f", milliseconds)) ms each"
        }
    }

    private let log: WriteLog
    private let root: String
    private let expectation: any PowerCutExpectation
    private let seed: UInt64

    /// - Parameters:
    ///   - root: the folder that the log is of, which was empty at its begin.
    ///   - journal: its folder below that; empty is itself.
    package init(_ log: WriteLog, root: String, expectation: any PowerCutExpectation, seed: UInt64) {
        (self.log, self.root, self.expectation, self.seed) = (log, root, expectation, seed)
    }

    /// Makes images of cuts at random places, the log's end included.
    package func run(images: Int, progress: (Int) -> Void = { _ in }) throws -> Report {
        var dice = Dice(seed: seed)
        let begin = log.entries.firstIndex { $0.path.contains("journal.sqlite") } ?? 0
        let places = (0..<images).map { _ in Int.random(in: begin...log.entries.count, using: &dice) }.sorted()
        var (report, cuts, expectation) = (Report(), PowerCuts(root: root), expectation)
        let scratch = try TestFolder.make("images")
        var next = 0
        for (number, place) in places.enumerated() {
            while next < place {
                cuts.add(log.entries[next])
                let rest = next + 1..<(number + 1 < places.count ? places[images - 1] : place)
                try expectation.passed(log.entries[next], before: rest, log, cuts)
                next += 1
            }
            let loss = PowerCuts.Loss.allCases[Int.random(in: 0..<PowerCuts.Loss.allCases.count, using: &dice)]
            let image = "\(scratch)/\(number)"
            try cuts.write(to: image, losing: loss, &dice)
            report.images += 1
            report.byLoss[loss, default: 0] += 1
            if loss != .none, cuts.hasUnsynced { report.withLosses += 1 }
            let before = ContinuousClock.now
            let fault = Self.fault(of: image, expectation)
            report.opening += before.duration(to: .now)
            if let fault {
                let kept = TestFolder.keep(image)
                report.faults.append("cut after call \(place), \(loss) lost: \(fault); the image is \(kept)")
            }
            try? FileManager.default.removeItem(atPath: image)
            progress(number + 1)
        }
        return report
    }

    /// What is wrong with an image; nil when nothing is.
    private static func fault(of image: String, _ expectation: any PowerCutExpectation) -> String? {
        do {
            let journal = try Journal(folder: image)
            defer { journal.close() }
            if let salvage = journal.salvage { return "pages were damaged: \(salvage.damage)" }
            if let fault = try journal.integrityFaults().first { return "integrity_check: \(fault)" }
            let contents = try journal.read()
            if let damage = contents.damage.first { return damage.what }
            return expectation.fault(of: contents)
        } catch {
            return "it cannot be opened: \(error)"
        }
    }
}

/// What must be left of a journal.
package protocol PowerCutExpectation: Sendable {
    /// An entry of the log was passed; `before` are those that come.
    mutating func passed(_ entry: WriteLog.Entry, before rest: Range<Int>, _ log: WriteLog, _ cuts: PowerCuts) throws

    /// What of it is not there; nil when all is.
    func fault(of contents: JournalContents) -> String?
}

/// Of a history: the state after the last step that was acknowledged, or after the one that had begun.
package struct HistoryExpectation: PowerCutExpectation {
    private let states: [[CoordinatorCore.Record]]
    private let epochs: [UInt64]
    private var acknowledged = 0
    private var begun = 0

    package init(_ history: JournalHistory) { (states, epochs) = (history.states(), history.epochs()) }

    package mutating func passed(
        _ entry: WriteLog.Entry, before rest: Range<Int>, _ log: WriteLog, _ cuts: PowerCuts
    ) {
        guard entry.operation == .mark, entry.offset >= 0 else { return }
        let state = entry.offset / 2 + 1
        if entry.offset.isMultiple(of: 2) { begun = state } else { acknowledged = state }
    }

    package func fault(of contents: JournalContents) -> String? {
        let records = contents.entries.map(\.record)
        guard let found = (acknowledged...max(begun, acknowledged)).first(where: { states[$0] == records }) else {
            return "\(records.count) records are there; \(states[acknowledged].count) were acknowledged with step "
                + "\(acknowledged), and step \(begun) had begun"
        }
        guard contents.leastEpoch > epochs[found] else {
            return "epochs up to \(epochs[found]) were given, and \(contents.leastEpoch) may be given again"
        }
        return nil
    }
}

/// Of a coordinator: all that was in its journal when it last sent a message.
package struct SentExpectation: PowerCutExpectation {
    private var known: JournalContents?

    package init() {}

    package mutating func passed(
        _ entry: WriteLog.Entry, before rest: Range<Int>, _ log: WriteLog, _ cuts: PowerCuts
    ) throws {
        // Of messages without anything written between them, one is enough.
        guard entry.operation == .mark, !rest.isEmpty, log.entries[rest.lowerBound].operation != .mark else { return }
        let place = try TestFolder.make("sent")
        var dice = Dice(seed: 0)
        try cuts.write(to: place, losing: .none, &dice)
        let journal = try Journal(folder: place)
        known = try journal.read()
        journal.close()
        try FileManager.default.removeItem(atPath: place)
    }

    package func fault(of contents: JournalContents) -> String? {
        let finished = Set(contents.endings.keys)
        let there = Set(contents.entries)
        let lost = (known?.entries ?? []).filter { !there.contains($0) && !finished.contains($0.record.song) }
        if let first = lost.first { return "\(lost.count) records that were told of are lost: \(first.record)" }
        var dropped: [DroppedRecord] = []
        _ = Coordinator(
            mending: contents.entries.map(\.record), leastEpoch: contents.leastEpoch, settings: Settings(),
            now: Instant(nanoseconds: 0), dropped: &dropped)
        return dropped.first.map { "it cannot be replayed: \($0.why)" }
    }
}
