import CoordinatorCore
import Foundation
import Journal
import SongPlan
import Testing

/// A base and patches make the same journal.
@Suite struct JournalCopyTests {
    private let scratch: Scratch
    private let journal: Journal
    private let copy: String

    init() throws {
        scratch = try Scratch()
        journal = try Journal(folder: scratch("state"))
        copy = scratch("copy")
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    }

    private var copyFile: String { copy + "/journal.sqlite" }

    private func apply(isRepeated: Bool = false) throws {
        let patch = try #require(try journal.takeChanges())
        try JournalCopy.mark(copyFile, version: 7)
        try JournalCopy.apply(patch, to: copyFile, version: 7, isRepeated: isRepeated)
    }

    @Test func `whatever is journaled, forgotten or removed is so in the copy, too`() throws {
        try journal.append(Example.begin("a"))
        try journal.beginChanges()
        _ = try JournalBackup.make(of: journal.path, to: copyFile)
        #expect(try journal.takeChanges() == [])
        for step in 0..<20 {
            try journal.append([Example.tokens("a", from: 4 * step)], counting: [:])
            if step == 3 { try journal.append(Example.begin("b", epoch: 2) + Example.begin("c", epoch: 3)) }
            if step == 5 { try journal.append([.songNoted("b", SongNote(name: "n"))]) }
            if step == 6 { try journal.append([.songNoted("b", SongNote(name: "other"))]) }
            if step == 8 { try journal.append([.songRemoved("c")]) }
            if step == 10 { try journal.append([.verdict("machine", reason: "it lies")]) }
            if step == 12 {
                try journal.append([.songState("b", .finished)])
                try journal.forget("b")
            }
            try apply()
        }
        #expect(try records(in: copy) == journal.records())
        #expect(try journal.records().count > 20)
        let check = try JournalCheck.of(folder: copy)
        #expect(check.isWell)
    }

    @Test func `a base may have some of the first patch already`() throws {
        try journal.append(Example.begin("a") + Example.begin("gone", epoch: 2))
        try journal.beginChanges()
        try journal.append([Example.tokens("a", from: 0)])
        _ = try JournalBackup.make(of: journal.path, to: copyFile)
        try journal.append([Example.tokens("a", from: 4), .songRemoved("gone")])
        try apply(isRepeated: true)
        try journal.append([Example.tokens("a", from: 8)])
        try apply()
        #expect(try records(in: copy) == journal.records())
    }

    @Test func `a patch of another journal is refused, and changes nothing`() throws {
        try journal.append(Example.begin("a"))
        try journal.beginChanges()
        _ = try JournalBackup.make(of: journal.path, to: copyFile)
        try journal.append([Example.tokens("a", from: 0)])
        let patch = try #require(try journal.takeChanges())
        try JournalCopy.mark(copyFile, version: 1)
        try JournalCopy.apply(patch, to: copyFile, version: 1, isRepeated: false)
        let before = try records(in: copy)
        let error = #expect(throws: JournalError.self) {
            try JournalCopy.apply(patch, to: copyFile, version: 2, isRepeated: false)
        }
        guard case .corrupt = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(throws: JournalError.self) {
            try JournalCopy.apply([1, 2, 3, 4, 5], to: copyFile, version: 2, isRepeated: false)
        }
        #expect(throws: JournalError.self) {
            try JournalCopy.apply([], to: copyFile, version: 3, isRepeated: false)
        }
        #expect(try records(in: copy) == before)
    }

    @Test func `a journal that was put back wants a new base`() throws {
        try journal.append(Example.begin("a"))
        try journal.beginChanges()
        try FileManager.default.removeItem(atPath: journal.path)
        try journal.putBack()
        #expect(try journal.takeChanges() == nil)
        try journal.append([Example.tokens("a", from: 0)])
    }

    @Test func `epochs of leases that were given after the copy was made are not given again`() throws {
        try journal.append(Example.begin("a", epoch: 41))
        _ = try JournalBackup.make(of: journal.path, to: copyFile)
        let restored = scratch("restored")
        try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)
        _ = try CopyRestoration(of: copyFile, in: restored) { _ in true }
        let next = try Journal(folder: restored)
        defer { next.close() }
        #expect(try next.read().leastEpoch > 41 + 1_000_000)
        #expect(try next.records() == journal.records())
    }

    @Test func `a finished song whose files are not in the copy is made again from its tokens, or told`() throws {
        for (number, song) in ["tokens", "forgotten", "whole"].enumerated() {
            try journal.append(
                Example.begin(song, epoch: Epoch(number + 1)) + [
                    Example.tokens(song, from: 0, epoch: Epoch(number + 1)), .songState(song, .finished),
                ])
        }
        try journal.forget("forgotten")
        _ = try JournalBackup.make(of: journal.path, to: copyFile)
        let restored = scratch("restored")
        try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)
        let done = try CopyRestoration(of: copyFile, in: restored) { $0 == "whole" }
        #expect(done.again == ["tokens"] && done.lost == ["forgotten"] && done.songs == 3)
        let ended = try records(in: restored).compactMap { record in
            if case .songState(let song, .finished) = record { song } else { nil }
        }
        #expect(ended == ["forgotten", "whole"])
    }
}
