import CoordinatorCore
import Foundation
import GRDB
import SongPlan
import Testing

@testable import Journal

/// A folder that goes away with the test.
final class Scratch {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "journal-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var file: String { path + "/journal.sqlite" }
}

enum Example {
    static func submission(_ song: SongID) -> Submission {
        let level = LevelGeometry(samplesPerToken: 8, windowLength: 64, codes: 2048, tokensPerUpperToken: 4)
        let top = LevelGeometry(samplesPerToken: 32, windowLength: 64, codes: 2048, tokensPerUpperToken: nil)
        return Submission(
            song: song, model: "5b – ü", fingerprints: [0: "zero", 1: "one"],
            planInputs: PlanInputs(
                geometry: ModelGeometry(
                    sampleRate: 44100, levels: [level, top],
                    timing: TimingRange(minimumTotal: 1, maximumTotal: 1 << 40)),
                sampleLength: 32 * 100, hops: [32, 32], known: [0, 10]),
            seed: .max, filters: [Filter(temperature: 0.99, topK: 5), Filter(temperature: 1, topP: 0.1)],
            labels: [
                [nil, SongLabels(totalLength: 9, offset: 1, artist: 2, genres: [3], lyrics: [4, 5])],
                [nil, nil],
            ], priority: -3, submittedAt: 1_700_000_000.25, specification: "{\"a\": \"\\u0000'\"}",
            awaitsTokens: true)
    }

    static func task(_ song: SongID, level: Int = 1, window: Int = 0) -> TaskID {
        TaskID(stream: StreamID(song: song, sample: 1, level: level), window: window)
    }

    /// Every kind of record.
    static func records(_ song: SongID) -> [CoordinatorCore.Record] {
        let task = task(song)
        let part = StreamID(song: song, sample: 1, level: 0, segment: 5)
        return [
            .songSubmitted(submission(song)),
            .tokens(task.stream, start: 0, [0, 1, 255, 256, 2047, 65535], .known),
            .songState(song, .sampling),
            .leaseGranted(task, .max, "worker"),
            .tokens(task.stream, start: 6, [7], .sampled(task, .max, "worker")),
            .tokens(task.stream, start: 7, [], .sampled(task, 1 << 63, "worker")),
            .workerBlamed(task, "worker", .vanished),
            .workerBlamed(task, "worker", .reported(reason: "no memory; 'quoted'"), machine: "machine"),
            .workerBlamed(task, "worker", .crashed("SIGSEGV", isAlone: true), machine: "machine"),
            .workerBlamed(task, "worker", .crashed("SIGSEGV", isAlone: false), machine: "machine"),
            .leaseEnded(task, .max, of: "worker", .crashed("SIGSEGV")),
            .leaseEnded(task, .max, of: "worker", .displaced), .leaseEnded(task, .max, of: "worker", .lost(.died)),
            .leaseEnded(task, .max, of: "worker", .other("gone")),
            .leaseEnded(task, .max, of: "worker", .lost(.silent)),
            .leaseEnded(task, .max, of: "worker", .notHeld), .leaseEnded(task, .max, of: "worker", .moved),
            .leaseEnded(task, .max, of: "worker", .beaten),
            .leaseEnded(task, .max, of: "worker", .reported("why")),
            .leaseEnded(task, .max, of: "worker", .misbehaved("what")),
            .cut(song, sample: 1, seam: 2, position: 345),
            .tokens(part, start: 40, [9, 8], .sampled(TaskID(stream: part, window: 3), 4, "worker")),
            .songState(song, .finished), .songState(song, .failed(reason: "because")),
            .songState(song, .cancelled), .songResumed(song), .songState(song, .parked(reason: "it crashes")),
            .songNoted(song, SongNote(name: "slow", note: "the second\nverse", isStarred: true, isHidden: false)),
            .machine(song, "worker", "machine 7"), .checkBegun(task), .checkEnded(task),
            .claimed(task, 9, "worker", start: 7, [3, 65535]),
            .leaseEnded(task, 9, of: "worker", .brought), .leaseEnded(task, 9, of: "worker", .disputed),
            .leaseEnded(task, 9, of: "worker", .withdrawn),
            .tokensDropped(part, from: 40), .cutDropped(song, sample: 1, seam: 2),
            .verdict("machine \(song)", reason: "it's wrong"), .verdictLifted("machine \(song)"),
        ]
    }
}

struct JournalTests {
    let scratch: Scratch
    init() throws { scratch = try Scratch() }

    /// Opens the file behind the journal's back.
    private func tamper(_ sql: String) throws {
        try DatabaseQueue(path: scratch.file).write { db in try db.execute(sql: sql) }
    }

    @Test func `every kind of record comes back as it was, in order, also after reopening`() throws {
        let records = Example.records("a") + Example.records("b")
        do {
            let journal = try Journal(folder: scratch.path)
            #expect(try journal.replay().isEmpty)
            try journal.append(Array(records.prefix(5)))
            try journal.append([])
            try journal.append(Array(records.dropFirst(5)))
            #expect(try journal.replay() == records)
        }
        let journal = try Journal(folder: scratch.path)
        #expect(try journal.replay() == records)
        #expect(try journal.integrityFaults().isEmpty)
    }

    @Test func `commits are synced and logged ahead`() throws {
        let durability = try Journal(folder: scratch.path).durability()
        #expect(durability.journalMode == "wal")
        #expect(durability.synchronous == 2)
    }

    @Test func `a batch is written whole or not at all`() throws {
        let journal = try Journal(folder: scratch.path)
        try journal.append([.songSubmitted(Example.submission("a"))])
        #expect(throws: JournalError.self) {
            try journal.append([.songState("a", .finished), .songState("unknown", .finished)])
        }
        #expect(throws: JournalError.self) { try journal.append([.songSubmitted(Example.submission("a"))]) }
        #expect(try journal.replay() == [.songSubmitted(Example.submission("a"))])
    }

    @Test func `a copy of the files at any moment holds all that was committed before`() throws {
        let journal = try Journal(folder: scratch.path)
        try journal.append([.songSubmitted(Example.submission("a"))])
        let stream = Example.task("a").stream
        for number in 0..<20 {
            try journal.append([.tokens(stream, start: number, [UInt16(number)], .known)])
            let copy = try Scratch()
            for name in ["journal.sqlite", "journal.sqlite-wal"]
            where FileManager.default.fileExists(atPath: scratch.path + "/" + name) {
                try FileManager.default.copyItem(
                    atPath: scratch.path + "/" + name, toPath: copy.path + "/" + name)
            }
            let reopened = try Journal(folder: copy.path)
            #expect(try reopened.replay() == journal.replay())
            #expect(try reopened.replay().count == number + 2)
        }
    }

    @Test func `a write-ahead log that is cut short loses whole batches from the end only`() throws {
        let journal = try Journal(folder: scratch.path)
        try journal.append([.songSubmitted(Example.submission("a"))])
        let stream = Example.task("a").stream
        for number in 0..<8 {
            try journal.append([
                .tokens(stream, start: 2 * number, [1], .known),
                .tokens(stream, start: 2 * number + 1, [2], .known),
            ])
        }
        let all = try journal.replay()
        let log = try Data(contentsOf: URL(fileURLWithPath: scratch.file + "-wal"))
        var lengths: Set<Int> = []
        for cut in stride(from: 0, through: log.count, by: 1789) {
            let copy = try Scratch()
            try FileManager.default.copyItem(atPath: scratch.file, toPath: copy.file)
            try log.prefix(cut).write(to: URL(fileURLWithPath: copy.file + "-wal"))
            let records = try Journal(folder: copy.path).replay()
            #expect(records == Array(all.prefix(records.count)))
            #expect(records.isEmpty || records.count % 2 == 1)
            lengths.insert(records.count)
        }
        #expect(lengths.count > 3)
    }

    @Test(arguments: ["tokens = x'0100'", "tokens = x'010203'", "start = 1", "checksum = checksum + 1"])
    func `a damaged row of tokens is found and named`(change: String) throws {
        let stream = Example.task("a").stream
        do {
            let journal = try Journal(folder: scratch.path)
            try journal.append([
                .songSubmitted(Example.submission("a")), .tokens(stream, start: 0, [1, 2, 3], .known),
            ])
        }
        try tamper("UPDATE records SET \(change) WHERE kind = 'known'")
        let error = try #require(throws: JournalError.self) { try Journal(folder: scratch.path).replay() }
        let start = change == "start = 1" ? 1 : 0
        #expect(error.description.contains("song a sample 1 level 1 from \(start) on"))
    }

    @Test(arguments: [
        "UPDATE songs SET submission = replace(submission, 'zero', 'nine')",
        "UPDATE records SET kind = 'strange' WHERE id = 2", "UPDATE records SET worker = NULL WHERE id = 4",
    ])
    func `other damage is found too`(sql: String) throws {
        do {
            try Journal(folder: scratch.path).append(Example.records("a"))
        }
        try tamper(sql)
        let error = try #require(throws: JournalError.self) { try Journal(folder: scratch.path).replay() }
        guard case .corrupt = error else { throw error }
    }

    @Test func `a second coordinator in the same folder is refused, and let in when the first has gone`()
        throws
    {
        var first: Journal? = try Journal(folder: scratch.path)
        #expect(throws: JournalError.locked(path: scratch.path)) { try Journal(folder: scratch.path) }
        #expect(try first?.replay() == [])
        first = nil
        #expect(throws: Never.self) { try Journal(folder: scratch.path) }
    }

    @Test func `a file that is no database is refused and not touched`() throws {
        let text = Data(String(repeating: "this is no database. ", count: 100).utf8)
        try text.write(to: URL(fileURLWithPath: scratch.file))
        let error = try #require(throws: JournalError.self) { try Journal(folder: scratch.path) }
        guard case .notAJournal(let path, _) = error else { throw error }
        #expect(path == scratch.file)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file)) == text)
    }

    @Test func `a journal from before there were segments is read as one of whole levels`() throws {
        let records = Example.records("a").filter { record in
            switch record {
            case .cut, .machine, .checkBegun, .checkEnded, .claimed, .tokensDropped, .cutDropped, .verdict,
                .verdictLifted:
                false
            case .tokens(let stream, _, _, _): stream.segment == 0
            case .workerBlamed(_, _, _, let machine): machine == nil
            // Why leases ended was told otherwise then: OldJournalTests.
            case .leaseEnded: false
            case .songNoted: false
            case .songRemoved, .songSubmitted, .leaseGranted, .songState, .songResumed: true
            }
        }
        try Journal(folder: scratch.path).append(records)
        for column in ["segment", "ending", "machine", "digest"] {
            try tamper("ALTER TABLE records DROP COLUMN \(column)")
        }
        for table in ["meta", "verdicts"] { try tamper("DROP TABLE \(table)") }
        try tamper("CREATE TABLE events (id INTEGER PRIMARY KEY, time, text)")
        try tamper("DELETE FROM grdb_migrations WHERE identifier >= '3'")
        #expect(try Journal(folder: scratch.path).replay() == records)
    }

    @Test func `a journal of a newer version is refused`() throws {
        _ = try Journal(folder: scratch.path)
        try tamper("INSERT INTO grdb_migrations VALUES ('99 from the future')")
        #expect(throws: JournalError.newerSchema(path: scratch.file)) { try Journal(folder: scratch.path) }
    }

    @Test func `a folder that cannot be made is refused`() throws {
        try Data().write(to: URL(fileURLWithPath: scratch.path + "/file"))
        let error = try #require(throws: JournalError.self) {
            try Journal(folder: scratch.path + "/file/state")
        }
        guard case .cannotUseFolder = error else { throw error }
    }

    @Test(arguments: [SongState.failed(reason: "because"), .cancelled, .parked(reason: "because")])
    func `a song that is finished can be forgotten, one that may go on cannot`(state: SongState) throws {
        let journal = try Journal(folder: scratch.path)
        let resting = Array(Example.records("b").prefix(9)) + [.songState("b", state)]
        try journal.append(Array(Example.records("a").prefix(23)) + resting)
        try journal.forget("a")
        try journal.forget("b")
        #expect(
            try journal.replay() == [
                .songSubmitted(Example.submission("a")), .songState("a", .sampling), .songState("a", .finished),
            ] + resting)
    }
}
