import CoordinatorCore
import Foundation
import Testing

@testable import Journal

/// A journal whose files somebody moves while it is open.
@Suite struct JournalPlaceTests {
    private static let names = ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "lock"]

    private func written(_ scratch: Scratch) throws -> Journal {
        let journal = try Journal(folder: scratch.path)
        try journal.append([.songSubmitted(Example.submission("a"))])
        return journal
    }

    private func records(_ folder: String) throws -> [Record] {
        let journal = try Journal(folder: folder)
        defer { journal.close() }
        return try journal.read().entries.map(\.record)
    }

    @Test(arguments: [
        names, ["journal.sqlite"], ["lock"], ["journal.sqlite", "journal.sqlite-wal"], ["journal.sqlite-wal"],
        ["journal.sqlite-shm"],
    ])
    func `what is removed while it is open is put back with all that it had`(names: [String]) throws {
        let scratch = try Scratch()
        try {
            let journal = try written(scratch)
            defer { journal.close() }
            #expect(journal.isInPlace)
            for name in names { try FileManager.default.removeItem(atPath: "\(scratch.path)/\(name)") }
            #expect(!journal.isInPlace)
            try journal.append([.songSubmitted(Example.submission("b"))])
            try journal.putBack()
            #expect(journal.isInPlace)
            try journal.append([.songSubmitted(Example.submission("c"))])
        }()
        #expect(
            try records(scratch.path) == ["a", "b", "c"].map { .songSubmitted(Example.submission($0)) })
    }

    @Test func `a folder that is gone is made again, and another file in its place is kept beside it`() throws {
        let (scratch, other) = (try Scratch(), try Scratch())
        try { try written(other).close() }()
        let journal = try written(scratch)
        defer { journal.close() }
        try journal.append([.songSubmitted(Example.submission("b"))])
        try FileManager.default.removeItem(atPath: scratch.path)
        try journal.putBack()
        #expect(journal.isInPlace)
        try FileManager.default.removeItem(atPath: scratch.file)
        try FileManager.default.copyItem(atPath: other.file, toPath: scratch.file)
        #expect(!journal.isInPlace)
        try journal.putBack()
        #expect(journal.isInPlace && FileManager.default.fileExists(atPath: scratch.file + ".replaced"))
        #expect(try journal.read().entries.count == 2)
    }

    @Test func `what somebody else writes into the file is noticed, and what the journal writes is not`() throws {
        let (scratch, other) = (try Scratch(), try Scratch())
        try { try written(other).close() }()
        let journal = try written(scratch)
        defer { journal.close() }
        for round in 0..<20 {
            try journal.append([.songSubmitted(Example.submission("b\(round)"))])
            if round % 3 == 0 { try journal.checkpoint() }
            if round == 12 { try journal.compact() }
            _ = try journal.read()
            #expect(!journal.wasWrittenByOthers)
        }
        _ = try JournalBackup.make(of: scratch.file)
        _ = try JournalCheck.of(folder: scratch.path)
        #expect(!journal.wasWrittenByOthers)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.file))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(contentsOf: URL(fileURLWithPath: other.file)))
        try file.close()
        // Also where the journal writes next, before anybody looks.
        _ = try? journal.append([.songSubmitted(Example.submission("z"))])
        #expect(journal.wasWrittenByOthers)
    }

    @Test func `where another coordinator has the folder by then, it stays with that one`() throws {
        let scratch = try Scratch()
        let journal = try written(scratch)
        defer { journal.close() }
        try FileManager.default.removeItem(atPath: scratch.path)
        let second = try Journal(folder: scratch.path)
        defer { second.close() }
        #expect(!journal.isInPlace)
        #expect {
            try journal.putBack()
        } throws: { error in
            if case .locked = error as? JournalError { true } else { false }
        }
        #expect(second.isInPlace)
    }

    @Test func `what a failing disk does not say proves nothing`() {
        let file = FileIdentity.file(device: 1, number: 2)
        #expect(!FileIdentity.unknown.differs(from: file) && !file.differs(from: .unknown))
        #expect(FileIdentity.none.differs(from: file) && FileIdentity.file(device: 1, number: 3).differs(from: file))
        #expect(!file.differs(from: file))
    }
}
