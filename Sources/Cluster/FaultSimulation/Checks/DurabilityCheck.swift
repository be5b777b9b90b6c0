import CoordinatorCore
import Journal
import SongPlan

/// What was journaled is there after any crash: all of it, and of what was about to be journaled all or nothing.
struct DurabilityCheck {
    private enum Attempt {
        case append([Record])
        case forget(SongID)
    }

    /// In the order in which they were journaled.
    private(set) var durable: [Record] = []
    /// What was tried last and is not known to be there.
    private var attempt: Attempt?
    /// Bits of the disk were changed, and the journal was not mended since: some records may be lost, and with the end of
    /// the log what was forgotten may be back, but none may be made up.
    private(set) var isDamaged = false
    private var written: Set<Record> = []

    mutating func tries(_ records: [Record]) {
        guard !records.isEmpty else { return }
        attempt = .append(records)
        written.formUnion(records)
    }

    mutating func tries(toForget song: SongID) { attempt = .forget(song) }

    mutating func succeeded() {
        guard let attempt else { return }
        durable = Self.done(attempt, durable)
        self.attempt = nil
    }

    mutating func damaged() { isDamaged = true }

    private static func done(_ attempt: Attempt, _ records: [Record]) -> [Record] {
        switch attempt {
        case .append(let new): new.reduce(into: records) { Self.add($1, to: &$0) }
        case .forget(let song): forgotten(song, records)
        }
    }

    private static func add(_ record: Record, to records: inout [Record]) {
        if case .songRemoved(let song) = record {
            records.removeAll { $0.song == song }
        } else {
            records.append(record)
        }
    }

    /// Of a finished song, its tokens and leases go.
    private static func forgotten(_ song: SongID, _ records: [Record]) -> [Record] {
        guard records.contains(.songState(song, .finished)) else { return records }
        return records.filter { record in
            guard record.song == song else { return true }
            switch record {
            case .songSubmitted, .songState, .songResumed, .songNoted: return true
            case .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .machine, .checkBegun, .claimed, .checkEnded,
                .tokensDropped, .cutDropped, .verdict, .verdictLifted, .songRemoved:
                return false
            }
        }
    }

    /// The journal was opened again, and holds these.
    mutating func opened(_ records: [Record]) throws(Violation) {
        if isDamaged {
            if let strange = records.first(where: { !written.contains($0) }) {
                throw Violation(.durability, "after damage there is a record that nobody wrote: \(strange)")
            }
        } else {
            let possible = [durable] + (attempt.map { [Self.done($0, durable)] } ?? [])
            guard possible.contains(records) else { throw missing(records) }
        }
        durable = records
        attempt = nil
    }

    /// What damage left, after it was mended.
    ///
    /// - Parameter isWhole: nothing damaged is left, and nothing had to go.
    mutating func mended(_ records: [Record], isWhole: Bool) {
        durable = records
        if isWhole { isDamaged = false }
    }

    private func missing(_ records: [Record]) -> Violation {
        let place = zip(durable, records).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        let first = place ?? min(durable.count, records.count)
        let wanted = durable.indices.contains(first) ? "\(durable[first])" : "none"
        let found = records.indices.contains(first) ? "\(records[first])" : "none"
        return Violation(
            .durability,
            "\(durable.count) records were durable, and \(records.count) are there; at \(first) there should be "
                + "\(wanted.prefix(300)) and is \(found.prefix(300))")
    }
}
