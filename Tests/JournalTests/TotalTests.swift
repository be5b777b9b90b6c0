import CoordinatorCore
import Foundation
import GRDB
import Testing

@testable import Journal

/// What is counted over a journal's whole life.
struct TotalTests {
    let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private let tokens = Total("tokens_total", "0")
    private let songs = Total("songs_total")

    private func tamper(_ sql: String) throws {
        try DatabaseQueue(path: scratch.file).write { db in try db.execute(sql: sql) }
    }

    /// Opens the journal, and lets it go again.
    @discardableResult
    private func journal<Value>(_ body: (Journal) throws -> Value) throws -> Value {
        let journal = try Journal(folder: scratch.path)
        defer { journal.close() }
        return try body(journal)
    }

    private func totals() throws -> [Total: UInt64] { try journal(\.totals) }

    @Test func `totals outlive the process, the song's end and its removal`() throws {
        try journal { journal in
            #expect(journal.totals.isEmpty)
            try journal.append([.songSubmitted(Example.submission("a"))], counting: [tokens: 5, songs: 1])
            try journal.append([], counting: [tokens: 2])
            try journal.append([.songState("a", .finished)])
            try journal.forget("a")
            try journal.append([.songRemoved("a")], counting: [tokens: .max])
            #expect(journal.totals == [tokens: 6, songs: 1])
        }
        #expect(try totals() == [tokens: 6, songs: 1])
    }

    @Test func `totals are written with the records that they count, or not at all`() throws {
        try journal { journal in
            try journal.append([.songSubmitted(Example.submission("a"))], counting: [songs: 1])
            // The same song twice is refused in the middle of the transaction.
            let twice: [CoordinatorCore.Record] = [
                .leaseGranted(Example.task("a"), 1, "worker"), .songSubmitted(Example.submission("a")),
            ]
            #expect(throws: JournalError.self) { try journal.append(twice, counting: [songs: 1, tokens: 7]) }
            #expect(journal.totals == [songs: 1])
            try journal.append([.leaseGranted(Example.task("a"), 1, "worker")], counting: [tokens: 1])
        }
        #expect(try totals() == [songs: 1, tokens: 1])
    }

    @Test(arguments: ["value = value + 1", "label = 'x'", "name = 'x'", "digest = NULL", "value = 'text'"])
    func `a damaged total is told and counts anew, and the others go on`(change: String) throws {
        try journal { try $0.append([], counting: [tokens: 5, songs: 1]) }
        try tamper("UPDATE totals SET \(change) WHERE name = 'tokens_total'")
        #expect(try JournalCheck.of(folder: scratch.path).damagedRows.count == 1)
        try journal { journal in
            #expect(journal.damagedTotals.count == 1 && journal.totals == [songs: 1])
            try journal.append([], counting: [tokens: 3])
        }
        #expect(try totals() == [songs: 1, tokens: 3])
    }

    @Test func `a journal of an earlier release counts from here on`() throws {
        try journal { try $0.append([.songSubmitted(Example.submission("a"))]) }
        try tamper("DROP TABLE totals")
        try tamper("DELETE FROM grdb_migrations WHERE identifier = '9 totals'")
        #expect(try JournalCheck.of(folder: scratch.path).isWell)
        try journal { journal in
            #expect(journal.totals.isEmpty && journal.damagedTotals.isEmpty)
            try journal.append([], counting: [songs: 1])
        }
        #expect(try totals() == [songs: 1])
    }

    @Test func `totals are among what is read of a journal with damaged pages`() throws {
        try journal { journal in
            let many = (0..<40).map { Example.submission("song-\($0)") }
            try journal.append(many.map { .songSubmitted($0) }, counting: [tokens: 5, songs: 40])
            try journal.compact()
        }
        let page = try DatabaseQueue(path: scratch.file).read { db in
            try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'records'") ?? 0
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.file))
        try file.seek(toOffset: UInt64((page - 1) * 4096))
        try file.write(contentsOf: Data(repeating: 0xEE, count: 4096))
        try file.close()
        try journal { journal in
            #expect(journal.salvage != nil && journal.totals == [tokens: 5, songs: 40])
        }
    }
}
