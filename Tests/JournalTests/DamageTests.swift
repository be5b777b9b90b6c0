import CoordinatorCore
import Foundation
import GRDB
import SongPlan
import Testing

@testable import Journal

/// What a journal makes of bytes that are not what it wrote.
struct DamageTests {
    let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func tamper(_ sql: String) throws {
        try DatabaseQueue(path: scratch.file).write { db in try db.execute(sql: sql) }
    }

    private func write(_ records: [CoordinatorCore.Record]) throws {
        let journal = try Journal(folder: scratch.path)
        try journal.append(records)
        journal.close()
    }

    @Test(arguments: [
        "sample = 0", "level = 0", "segment = 3", "window = 7", "epoch = 9", "worker = 'other'", "start = start + 1",
        "tokens = x'0100'", "checksum = checksum + 1", "time = time + 1", "kind = 'strange'",
        "digest = digest + 1", "digest = NULL", "sample = 'text'", "worker = x'ff00'",
    ])
    func `a row is damaged whichever column is, and the others are read`(change: String) throws {
        let records = Example.records("a")
        try write(records)
        try tamper("UPDATE records SET \(change) WHERE id = 5")
        let contents = try Journal(folder: scratch.path).read()
        #expect(contents.damage.map(\.row) == [5])
        #expect(contents.entries.map(\.record) == records.enumerated().filter { $0.offset != 4 }.map(\.element))
    }

    @Test func `one byte of a submission that was damaged is found again, two are not`() throws {
        try write([.songSubmitted(Example.submission("a")), .songSubmitted(Example.submission("b"))])
        try tamper("UPDATE songs SET submission = replace(submission, 'zero', 'zerp') WHERE id = 'a'")
        try tamper("UPDATE songs SET submission = replace(submission, 'zero', 'nine') WHERE id = 'b'")
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        #expect(contents.entries.map(\.record) == [.songSubmitted(Example.submission("a"))])
        #expect(contents.repaired.keys.sorted() == ["a"])
        #expect(contents.damage.map(\.song) == ["b"] && contents.damage.allSatisfy { !$0.mayBeDropped })
        let copy = try journal.mend(
            contents, dropping: [], restating: [], rewriting: [Example.submission("a")])
        #expect(FileManager.default.fileExists(atPath: copy))
        #expect(try journal.read().repaired.isEmpty)
    }

    @Test(arguments: ["kind = 'submittee'", "song = 'b'", "time = 0"])
    func `a song is known whose record of its submission is damaged`(change: String) throws {
        let records = Array(Example.records("a").prefix(5))
        try write([.songSubmitted(Example.submission("b"))] + records)
        try tamper("UPDATE records SET \(change) WHERE id = 2")
        let contents = try Journal(folder: scratch.path).read()
        #expect(contents.entries.map(\.record) == [.songSubmitted(Example.submission("b"))] + records)
        #expect(contents.damage.map(\.row) == [2] && contents.damage.allSatisfy(\.mayBeDropped))
    }

    @Test func `lost records of submissions are written again, and the order of songs stays`() throws {
        let own = Array(Example.records("b").prefix(4).dropFirst())
        let songs = ["a", "b", "c"].map { CoordinatorCore.Record.songSubmitted(Example.submission($0)) }
        try write(songs + own)
        try tamper("DELETE FROM records WHERE kind = 'submitted'")
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        #expect(contents.unmentioned == ["a", "b", "c"])
        #expect(contents.entries.map(\.record) == [songs[0], songs[1]] + own + [songs[2]])
        _ = try journal.mend(contents, dropping: [], restating: contents.restated, rewriting: [])
        try journal.append([.songState("a", .sampling)])
        let mended = try journal.read()
        #expect(mended.unmentioned.isEmpty && mended.damage.isEmpty)
        #expect(mended.entries.map(\.record) == contents.entries.map(\.record) + [.songState("a", .sampling)])
    }

    @Test func `what is written after a loss comes after what is known of machines`() throws {
        let songs = ["a", "b"].map { CoordinatorCore.Record.songSubmitted(Example.submission($0)) }
        let verdict = CoordinatorCore.Record.verdict("m", reason: "why")
        try write(songs + [.songState("a", .sampling), verdict])
        try tamper("DELETE FROM records WHERE id = 3; UPDATE sqlite_sequence SET seq = 2 WHERE name = 'records'")
        let journal = try Journal(folder: scratch.path)
        try journal.append([.songState("b", .sampling)])
        #expect(try journal.replay() == songs + [verdict, .songState("b", .sampling)])
    }

    @Test func `a lost record whose place others have taken stays lost, and its song is known`() throws {
        try write(Array(Example.records("a").prefix(3)))
        try tamper("DELETE FROM records WHERE kind = 'submitted'")
        try tamper("UPDATE records SET id = id - 1")
        let contents = try Journal(folder: scratch.path).read()
        #expect(contents.unmentioned == ["a"] && contents.restated.isEmpty)
        #expect(contents.entries.first?.record == .songSubmitted(Example.submission("a")))
    }

    @Test func `any byte of a text is found again`() throws {
        let text = Array("the whole text of a submission, with ü".utf8)
        let checksum = Checksum.of(text)
        for place in text.indices {
            for mask in [1, 2, 0x80, 0xff] as [UInt8] {
                var damaged = text
                damaged[place] ^= mask
                #expect(TextRepair.repaired(damaged, checksum: checksum) == text)
            }
        }
        #expect(TextRepair.repaired(text, checksum: checksum ^ 4) == text)
        #expect(TextRepair.repaired(Array("another text altogether".utf8), checksum: checksum) == nil)
    }

    @Test func `a song whose end is damaged has ended all the same`() throws {
        try write([.songSubmitted(Example.submission("a")), .songState("a", .cancelled)])
        try tamper("UPDATE records SET time = 1 WHERE kind = 'cancelled'")
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        #expect(contents.restated.map(\.record) == [.songState("a", .cancelled)])
        _ = try journal.mend(
            contents, dropping: contents.damage.map(\.row), restating: contents.restated, rewriting: [])
        #expect(try journal.replay() == [.songSubmitted(Example.submission("a")), .songState("a", .cancelled)])
    }

    @Test func `damaged pages cost what lies on them, and the file as it was is kept`() throws {
        let stream = Example.task("a").stream
        let tokens = (0..<3000).map { CoordinatorCore.Record.tokens(stream, start: 64 * $0, Array(0..<64), .known) }
        try write([.songSubmitted(Example.submission("a"))] + tokens)
        try DatabaseQueue(path: scratch.file).writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        let leaf = try DatabaseQueue(path: scratch.file).read { db in
            // A page of the table, in its middle.
            try Int.fetchOne(db, sql: "PRAGMA page_count")! / 2
        }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: scratch.file))
        for page in [leaf, leaf + 1] {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data(repeating: 0xa5, count: 4096))
        }
        try file.close()
        let journal = try Journal(folder: scratch.path)
        let salvage = try #require(journal.salvage)
        #expect(salvage.rows > 2500 && salvage.rows <= 3001 && FileManager.default.fileExists(atPath: salvage.copy))
        #expect(try journal.read().damage.isEmpty && journal.integrityFaults().isEmpty)
        #expect(try journal.read().entries.first?.record == .songSubmitted(Example.submission("a")))
    }

    @Test func `a journal whose first page is gone names the newest backup and what to do`() throws {
        try write(Example.records("a"))
        let backup = try JournalBackup.make(of: scratch.file)
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: scratch.file))
        let error = try #require(throws: JournalError.self) { try Journal(folder: scratch.path) }
        #expect(error.description.contains(backup) && error.description.contains("journal restore"))
        let restoration = try JournalRestoration.make(in: scratch.path)
        #expect(restoration.from == backup && restoration.songs == 1)
        let former = try URL(fileURLWithPath: #require(restoration.former))
        #expect(try Data(contentsOf: former) == Data(repeating: 7, count: 8192))
        let journal = try Journal(folder: scratch.path)
        #expect(try journal.replay() == Example.records("a"))
        // Leases that were given after the copy was made are in workers' hands.
        #expect(try journal.read().leastEpoch > 1 << 32)
        #expect(throws: JournalError.locked(path: scratch.path)) { try JournalRestoration.make(in: scratch.path) }
    }

    @Test func `a check finds what is damaged beside a journal that is in use, and changes nothing`() throws {
        let journal = try Journal(folder: scratch.path)
        try journal.append(Example.records("a"))
        #expect(try JournalCheck.of(folder: scratch.path).isWell)
        try tamper("UPDATE records SET worker = 'other' WHERE id = 4")
        let check = try JournalCheck.of(folder: scratch.path)
        #expect(!check.isWell && check.songs == 1 && check.damagedRows.count == 1)
        #expect(try journal.read().damage.count == 1)
    }

    @Test func `what was removed is gone, its id is free, and no epoch is given twice`() throws {
        let journal = try Journal(folder: scratch.path)
        let task = Example.task("a")
        try journal.append([
            .songSubmitted(Example.submission("a")), .leaseGranted(task, 41, "w"), .songState("a", .cancelled),
            .songSubmitted(Example.submission("b")),
        ])
        try journal.append([.songRemoved("a")])
        #expect(try journal.replay() == [.songSubmitted(Example.submission("b"))])
        #expect(try journal.read().leastEpoch == 42)
        try journal.append([.songSubmitted(Example.submission("a"))])
        #expect(try journal.replay().count == 2)
    }

    @Test func `a journal shrinks when most of it was forgotten`() throws {
        let journal = try Journal(folder: scratch.path)
        let stream = Example.task("a").stream
        try journal.append([.songSubmitted(Example.submission("a"))])
        for part in 0..<8 {
            try journal.append(
                (0..<1000).map { .tokens(stream, start: part * 128_000 + 128 * $0, Array(0..<128), .known) })
        }
        try journal.append([.songState("a", .finished)])
        try journal.forget("a")
        let before = try journal.size().bytes
        #expect(try journal.shrink() > before / 2)
        try journal.compact()
        #expect(try journal.size().bytes < 200_000)
        #expect(try journal.replay() == [.songSubmitted(Example.submission("a")), .songState("a", .finished)])
    }

    @Test func `another program's lock is waited for, and then told as one`() throws {
        let journal = try Journal(folder: scratch.path)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: scratch.file, configuration: configuration)
        let started = DispatchSemaphore(value: 0)
        let thread = Thread {
            try? other.inDatabase { db in
                try db.execute(sql: "BEGIN IMMEDIATE")
                started.signal()
                usleep(300_000)
                try db.execute(sql: "COMMIT")
            }
        }
        thread.start()
        started.wait()
        try journal.append([.songSubmitted(Example.submission("a"))])
        try other.inDatabase { db in try db.execute(sql: "BEGIN IMMEDIATE") }
        let error = try #require(throws: JournalError.self) { try journal.append([.songState("a", .cancelled)]) }
        #expect(error.passes && error.description.contains("another program has locked it"))
        try other.inDatabase { db in try db.execute(sql: "COMMIT") }
        try journal.append([.songState("a", .cancelled)])
        #expect(try journal.replay().count == 2)
    }

    @Test(arguments: ["reason = NULL", "machine = 'machine b'", "time = 5", "digest = NULL", "after = 'x'"])
    func `a machine whose verdict is damaged is not trusted, and its name is found again`(change: String) throws {
        try write([.songSubmitted(Example.submission("a")), .verdict("machine a", reason: "it gave other tokens")])
        try tamper("UPDATE verdicts SET \(change)")
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        guard case .verdict("machine a", let reason)? = contents.entries.last?.record else {
            Issue.record("\(contents.entries)")
            return
        }
        #expect(change.contains("reason") || reason == "it gave other tokens")
        #expect(contents.otherFaults.count == 1 && contents.damage.isEmpty)
        _ = try journal.mend(contents, dropping: [], restating: [], rewriting: [])
        #expect(try journal.replay().last == .verdict("machine a", reason: reason))
    }

    @Test(arguments: [
        "UPDATE meta SET value = 3 WHERE key = 'epoch'", "UPDATE meta SET value = 3 WHERE key = 'epoch mirror'",
        "UPDATE meta SET value = 3 WHERE key = 'epoch sum'", "DELETE FROM meta WHERE key = 'epoch'",
        "UPDATE meta SET key = 'epock' WHERE key = 'epoch'", "UPDATE meta SET value = 'text' WHERE key = 'epoch'",
        "UPDATE meta SET value = 3", "DELETE FROM meta WHERE key <> 'epoch sum'",
    ]) func `no epoch is given twice, whatever is damaged of the least one`(sql: String) throws {
        let task = Example.task("a")
        try write([
            .songSubmitted(Example.submission("a")), .leaseGranted(task, 41, "w"), .songState("a", .cancelled),
            .songRemoved("a"),
        ])
        try tamper(sql)
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        #expect(contents.leastEpoch >= 42 && contents.leastEpoch < 1 << 40 && contents.otherFaults.count == 1)
        _ = try journal.mend(contents, dropping: [], restating: [], rewriting: [])
        #expect(try journal.read().leastEpoch == contents.leastEpoch && journal.read().otherFaults.isEmpty)
    }

    @Test func `a song whose name is damaged in its table is known by its submission`() throws {
        try write(Array(Example.records("a").prefix(3)))
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: scratch.file, configuration: configuration)
        try queue.write { db in try db.execute(sql: "UPDATE songs SET id = 'b'") }
        try queue.close()
        let journal = try Journal(folder: scratch.path)
        let contents = try journal.read()
        #expect(contents.entries.map(\.record) == Array(Example.records("a").prefix(3)))
        #expect(contents.repaired.keys.sorted() == ["a"])
        _ = try journal.mend(contents, dropping: [], restating: [], rewriting: [Example.submission("a")])
        #expect(try journal.read().repaired.isEmpty && journal.integrityFaults().isEmpty)
    }

    @Test func `a journal whose schema is damaged is read page by page`() throws {
        try write(Example.records("a") + Example.records("b"))
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: scratch.file))
        try file.seek(toOffset: 100)
        try file.write(contentsOf: Data(repeating: 0xa5, count: 3996))
        try file.close()
        let journal = try Journal(folder: scratch.path)
        let salvage = try #require(journal.salvage)
        #expect(salvage.songs == 2 && FileManager.default.fileExists(atPath: salvage.copy))
        #expect(try journal.read().entries.map(\.record) == Example.records("a") + Example.records("b"))
    }
}

/// What a damaged write-ahead log shows.
struct LogDamageTests {
    let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private static let transactions = 6

    /// Leaves a journal as a process that was killed leaves it: its transactions are in the log alone.
    ///
    /// - Returns: the log's size after each transaction.
    private func leave(in folder: String) throws -> [Int] {
        let (open, path) = ("\(folder)/open", "\(folder)/journal.sqlite")
        let journal = try Journal(folder: open)
        try journal.append([.songSubmitted(Example.submission("a"))])
        try journal.checkpoint()
        var ends: [Int] = []
        for number in 0..<Self.transactions {
            let tokens = Array(repeating: UInt16(number), count: 64)
            try journal.append([.tokens(Example.task("a").stream, start: 64 * number, tokens, .known)])
            ends.append(try Data(contentsOf: URL(fileURLWithPath: journal.path + "-wal")).count)
        }
        for ending in ["", "-wal"] { try SystemDisk().copy(journal.path + ending, to: path + ending) }
        journal.close()
        return ends
    }

    private func change(_ folder: String, at place: Int, _ body: (inout Data) -> Void) throws {
        let file = URL(fileURLWithPath: "\(folder)/journal.sqlite-wal")
        var log = try Data(contentsOf: file)
        body(&log)
        try log.write(to: file)
    }

    @Test(arguments: [0, 20, 100, 4000])
    func `damage in any transaction but the last is told, with how many may be lost, and a copy is kept`(offset: Int)
        throws
    {
        for transaction in 0..<Self.transactions - 1 {
            let folder = scratch.path + "/\(transaction)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let ends = try leave(in: folder)
            let start = transaction == 0 ? 32 : ends[transaction - 1]
            try change(folder, at: start + offset) { $0[start + offset] ^= 0x10 }
            let lost = Self.transactions - transaction
            #expect(try JournalCheck.of(folder: folder).structure.first?.contains("\(lost) transactions") == true)
            try {
                let journal = try Journal(folder: folder)
                let damage = try #require(journal.logDamage)
                #expect(damage.transactions == lost)
                #expect(try journal.read().entries.count == 1 + transaction)
                let copy = try #require(damage.copy)
                #expect(try Data(contentsOf: URL(fileURLWithPath: copy + "-wal")).count == ends.last)
                // It is told once.
                try journal.append([.songSubmitted(Example.submission("b"))])
                #expect(try JournalCheck.of(folder: folder).isWell)
                journal.close()
            }()
            #expect(try Journal(folder: folder).logDamage == nil)
        }
    }

    @Test func `a damaged head of the log is told, too`() throws {
        let ends = try leave(in: scratch.path)
        try change(scratch.path, at: 17) { $0[17] ^= 1 }
        #expect(ends.count == Self.transactions)
        #expect(try Journal(folder: scratch.path).logDamage?.transactions == Self.transactions)
    }

    @Test func `a log that was cut anywhere, as a process that dies leaves it, is no damage`() throws {
        let ends = try leave(in: scratch.path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.file + "-wal"))
        for end in Set(ends + ends.map { $0 - 2000 } + [0, 10, 32]) {
            #expect(WriteAheadLog(Array(whole[..<end]))?.damagedTransactions ?? 0 == 0, "\(end)")
        }
    }
}
