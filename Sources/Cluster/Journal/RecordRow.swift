import CoordinatorCore
import Foundation
import GRDB
import SongPlan

/// A record as a row of the table `records`.
struct RecordRow {
    enum Kind: String {
        case submitted, known, sampled, granted, ended, vanished, reported, crashed, suspected, cut
        case sampling, finished, parked, failed, cancelled, resumed, noted
        case machine, check, claim, unchecked, dropped, uncut
    }

    var kind: Kind
    var song: SongID
    var sample: Int?
    var level: Int?
    /// Of a stream, or the number of a cut; null in rows of earlier releases, which had no segments.
    var segment: Int?
    var window: Int?
    var epoch: Epoch?
    var worker: WorkerID?
    /// Durable name of the worker's machine; null in rows of earlier releases.
    var machine: MachineID?
    var start: Int?
    var text: String?
    /// Why a lease ended, as a word; details are in `text`.
    var ending: String?
    var tokens: [UInt16]?
    /// Seconds since 1970, of a row that was read.
    private(set) var time: Double?

    private static let names = [
        "kind", "song", "sample", "level", "segment", "window", "epoch", "worker", "machine", "start", "text", "ending",
        "tokens",
        "checksum", "time",
    ]
    static let insertion = """
        INSERT INTO records (\(names.joined(separator: ", ")), \(RowDigest.column))
        VALUES (\(names.map { _ in "?" }.joined(separator: ", ")), ?)
        """

    /// - Parameter time: seconds since 1970.
    func arguments(time: Double) -> StatementArguments {
        let bytes = tokens.map(TokenBytes.encode)
        let epoch = epoch.map { Int64(bitPattern: $0) }
        let values: [(any DatabaseValueConvertible)?] = [
            kind.rawValue, song, sample, level, segment, window, epoch, worker, machine, start, text, ending,
            bytes.map { Data($0) }, bytes.map { checksum($0) }, time,
        ]
        let stored = values.map { $0?.databaseValue ?? .null }
        return StatementArguments(stored + [RowDigest.of(zip(Self.names, stored)).databaseValue])
    }

    /// Over the tokens and where they belong, so that a blob in a wrong row is found too.
    private func checksum(_ bytes: [UInt8]) -> Int64 {
        let part = segment.map { $0 > 0 ? "segment \($0)/" : "" } ?? ""
        let place = "\(song)/\(sample ?? -1)/\(level ?? -1)/\(part)\(start ?? -1)/"
        return Checksum.of(Array(place.utf8) + bytes)
    }

    init(_ record: CoordinatorCore.Record) {
        song = record.song
        switch record {
        case .songSubmitted: kind = .submitted
        case .songRemoved: preconditionFailure("what is removed leaves no row")
        case .tokens(let stream, let start, let tokens, let origin):
            sample = stream.sample
            level = stream.level
            segment = stream.segment
            self.start = start
            self.tokens = tokens
            switch origin {
            case .known: kind = .known
            case .sampled(let task, let epoch, let worker):
                kind = .sampled
                window = task.window
                self.epoch = epoch
                self.worker = worker
            }
        case .leaseGranted(let task, let epoch, let worker):
            kind = .granted
            self.epoch = epoch
            self.worker = worker
            setTask(task)
        case .leaseEnded(let task, let epoch, let worker, let reason):
            kind = .ended
            self.epoch = epoch
            self.worker = worker
            (ending, text) = reason.columns
            setTask(task)
        case .workerBlamed(let task, let worker, let blame, let machine):
            self.machine = machine
            switch blame {
            case .vanished: kind = .vanished
            case .crashed(let what, let isAlone): (kind, text) = (isAlone ? .crashed : .suspected, what)
            case .reported(let reason):
                kind = .reported
                text = reason
            }
            self.worker = worker
            setTask(task)
        case .cut(_, let sample, let seam, let position):
            kind = .cut
            self.sample = sample
            segment = seam
            start = position
        case .songState(_, let state): (kind, text) = Self.kind(of: state)
        case .machine, .checkBegun, .checkEnded, .claimed, .tokensDropped, .cutDropped, .verdict, .verdictLifted:
            kind = .check
            setCheck(record)
        case .songResumed: kind = .resumed
        case .songNoted(_, let note): (kind, text) = (.noted, Self.text(of: note))
        }
    }

    /// What is about windows that several machines sample.
    private mutating func setCheck(_ record: CoordinatorCore.Record) {
        switch record {
        case .machine(_, let worker, let machine): (kind, self.worker, text) = (.machine, worker, machine)
        case .checkBegun(let task):
            kind = .check
            setTask(task)
        case .checkEnded(let task):
            kind = .unchecked
            setTask(task)
        case .claimed(let task, let epoch, let worker, let start, let tokens):
            kind = .claim
            (self.epoch, self.worker, self.start, self.tokens) = (epoch, worker, start, tokens)
            setTask(task)
        case .tokensDropped(let stream, let start):
            kind = .dropped
            (sample, level, segment, self.start) = (stream.sample, stream.level, stream.segment, start)
        case .cutDropped(_, let sample, let seam): (kind, self.sample, segment) = (.uncut, sample, seam)
        case .verdict, .verdictLifted: preconditionFailure("verdicts are of no song: see VerdictRow")
        case .songSubmitted, .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed,
            .songNoted, .songRemoved:
            break
        }
    }

    private mutating func setTask(_ task: TaskID) {
        sample = task.sample
        level = task.level
        segment = task.segment
        window = task.window
    }

    /// Only `sampling`, `parked` and the ends of songs are ever journaled; the other two start as their neighbours.
    private static func kind(of state: SongState) -> (Kind, String?) {
        switch state {
        case .preparing, .sampling, .decoding: (.sampling, nil)
        case .finished: (.finished, nil)
        case .parked(let reason): (.parked, reason)
        case .failed(let reason): (.failed, reason)
        case .cancelled: (.cancelled, nil)
        }
    }

    private static func text(of note: SongNote) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(note)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// - Throws: a text that says what is wrong with the row.
    init(_ row: Row) throws(RowFault) {
        let id = Int64.fromDatabaseValue(row["id"] as DatabaseValue) ?? -1
        let name = Self.text(row, "kind") ?? ""
        guard let kind = Kind(rawValue: name) else {
            throw RowFault("record \(id) has the unknown kind \(name)")
        }
        self.kind = kind
        guard let song = Self.text(row, "song") else { throw RowFault("record \(id) is of no song") }
        self.song = song
        sample = Self.number(row, "sample")
        level = Self.number(row, "level")
        segment = Self.number(row, "segment")
        window = Self.number(row, "window")
        epoch = Int64.fromDatabaseValue(row["epoch"] as DatabaseValue).map { Epoch(bitPattern: $0) }
        worker = Self.text(row, "worker")
        machine = Self.text(row, "machine")
        start = Self.number(row, "start")
        text = Self.text(row, "text")
        ending = Self.text(row, "ending")
        time = Double.fromDatabaseValue(row["time"] as DatabaseValue)
        guard let data = Data.fromDatabaseValue(row["tokens"] as DatabaseValue) else { return }
        let bytes = [UInt8](data)
        let sum = Int64.fromDatabaseValue(row["checksum"] as DatabaseValue)
        guard let tokens = TokenBytes.decode(bytes), checksum(bytes) == sum else {
            throw RowFault(
                "the tokens of song \(song) sample \(sample ?? -1) level \(level ?? -1) "
                    + "from \(start ?? -1) on (record \(id)) do not match their checksum")
        }
        self.tokens = tokens
    }

    // Values of a row that may be damaged: one that cannot be is none.

    private static func text(_ row: Row, _ column: String) -> String? {
        String.fromDatabaseValue(row[column] as DatabaseValue)
    }

    private static func number(_ row: Row, _ column: String) -> Int? {
        Int.fromDatabaseValue(row[column] as DatabaseValue)
    }

    /// Of a damaged row, as far as it can be read.
    static func kind(_ row: Row) -> Kind? { text(row, "kind").flatMap(Kind.init) }

    /// Where a damaged row belongs, as far as it can be read.
    static func place(_ row: Row) -> String {
        guard let song = text(row, "song") else { return "" }
        guard let sample = number(row, "sample"), let level = number(row, "level"), let start = number(row, "start")
        else { return " (\(text(row, "kind") ?? "?") of song \(song))" }
        return ": the tokens of song \(song) sample \(sample) level \(level) from \(start) on"
    }

    /// Whether a row of an earlier release has the tokens that it had; rows without tokens had nothing to tell by.
    static func tokensFit(_ row: Row) -> Bool { (try? RecordRow(row)) != nil }

    private var stream: StreamID? {
        guard let sample, let level else { return nil }
        return StreamID(song: song, sample: sample, level: level, segment: segment ?? 0)
    }

    private var task: TaskID? {
        guard let stream, let window else { return nil }
        return TaskID(stream: stream, window: window)
    }

    /// What is about windows that several machines sample.
    private var checkRecord: CoordinatorCore.Record? {
        switch (kind, task, stream) {
        case (.machine, _, _):
            guard let worker, let text else { return nil }
            return .machine(song, worker, text)
        case (.check, let task?, _): return .checkBegun(task)
        case (.unchecked, let task?, _): return .checkEnded(task)
        case (.claim, let task?, _):
            guard let epoch, let worker, let start, let tokens else { return nil }
            return .claimed(task, epoch, worker, start: start, tokens)
        case (.dropped, _, let stream?):
            guard let start else { return nil }
            return .tokensDropped(stream, from: start)
        case (.uncut, _, _):
            guard let sample, let segment else { return nil }
            return .cutDropped(song, sample: sample, seam: segment)
        case (_, _, _): return nil
        }
    }

    /// The record; nil when a column that its kind needs is missing.
    func record<Fault: Error>(
        submission: () throws(Fault) -> Submission
    ) throws(Fault) -> CoordinatorCore.Record? {
        switch kind {
        case .submitted: return .songSubmitted(try submission())
        case .known:
            guard let stream, let start, let tokens else { return nil }
            return .tokens(stream, start: start, tokens, .known)
        case .sampled:
            guard let stream, let task, let start, let tokens, let epoch, let worker else { return nil }
            return .tokens(stream, start: start, tokens, .sampled(task, epoch, worker))
        case .granted:
            guard let task, let epoch, let worker else { return nil }
            return .leaseGranted(task, epoch, worker)
        case .ended:
            guard let task, let epoch else { return nil }
            return .leaseEnded(task, epoch, of: worker ?? "", LeaseEnding(ending: ending, text: text))
        case .vanished:
            guard let task, let worker else { return nil }
            return .workerBlamed(task, worker, .vanished, machine: machine)
        case .crashed, .suspected:
            guard let task, let worker, let text else { return nil }
            return .workerBlamed(task, worker, .crashed(text, isAlone: kind == .crashed), machine: machine)
        case .reported:
            guard let task, let worker, let text else { return nil }
            return .workerBlamed(task, worker, .reported(reason: text), machine: machine)
        case .cut:
            guard let sample, let segment, let start else { return nil }
            return .cut(song, sample: sample, seam: segment, position: start)
        case .machine, .check, .claim, .unchecked, .dropped, .uncut: return checkRecord
        case .sampling: return .songState(song, .sampling)
        case .finished: return .songState(song, .finished)
        case .parked: return .songState(song, .parked(reason: text ?? "unknown"))
        case .failed: return .songState(song, .failed(reason: text ?? "unknown"))
        case .cancelled: return .songState(song, .cancelled)
        case .resumed: return .songResumed(song)
        case .noted:
            guard let text, let note = try? JSONDecoder().decode(SongNote.self, from: Data(text.utf8)) else {
                return nil
            }
            return .songNoted(song, note)
        }
    }
}

/// What is wrong with one row.
struct RowFault: Error {
    var what: String
    init(_ what: String) { self.what = what }
}
