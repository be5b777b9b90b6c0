import CSQLiteSession
import Foundation
import GRDB
import Synchronization
import SystemErrors

/// What records the changes of an open database (SQLite's session extension). Of the database's own queue alone.
struct ChangeSession: @unchecked Sendable {  // whoever has it uses it in that queue
    fileprivate let session: UnsafeMutableRawPointer

    fileprivate init?(_ db: Database) {
        guard let connection = db.sqliteConnection,
            let session = csqlite_session_begin(UnsafeMutableRawPointer(connection))
        else { return nil }
        self.session = session
    }

    fileprivate func end() { csqlite_session_end(session) }

    /// - Throws: `JournalError` when memory is short.
    fileprivate func patch(_ path: String) throws -> [UInt8] {
        var (count, bytes): (Int32, UnsafeMutableRawPointer?) = (0, nil)
        let code = csqlite_session_patch(session, &count, &bytes)
        defer { csqlite_session_free(bytes) }
        guard code == 0 else {
            throw JournalError.unavailable(path: path, doing: "copying", reason: "SQLite says \(code)")
        }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }
}

/// Changes of a journal, for a copy of it that somebody keeps elsewhere: a base, which is the whole file, and then patches of
/// what changed since.
///
/// A base may have some of the first patch already, since nobody waits while it is made: that patch is applied as one that
/// may be repeated.
extension Journal {
    /// From now on changes are remembered, until they are taken.
    package func beginChanges() throws(JournalError) {
        try guarding("copying") {
            try database.writeWithoutTransaction { db in
                guard let session = ChangeSession(db) else {
                    throw JournalError.unavailable(
                        path: path, doing: "copying", reason: "this SQLite cannot tell what changes")
                }
                changes.withLock { former in
                    former?.end()
                    former = session
                }
            }
        }
    }

    /// What changed since they began or were taken last; empty when nothing did; nil where they are not remembered, because
    /// the file was replaced: then a base is needed.
    package func takeChanges() throws(JournalError) -> [UInt8]? {
        try guarding("copying") {
            try database.writeWithoutTransaction { db in
                guard let session = changes.withLock({ $0 }) else { return nil }
                let patch = try session.patch(path)
                guard !patch.isEmpty else { return patch }
                changes.withLock { $0 = ChangeSession(db) }
                session.end()
                return patch
            }
        }
    }

    /// Nothing is remembered any more.
    package func endChanges() {
        database.inDatabase { _ in dropChanges() }
    }

    /// In the database's queue, or when nobody uses that.
    func dropChanges() {
        changes.withLock { session in
            session?.end()
            session = nil
        }
    }
}

/// The other side: a journal that is a copy.
package enum JournalCopy {
    /// Marks a copy with a number, so that it is known again.
    package static func mark(_ path: String, version: Int32) throws {
        try open(path) { db in try db.execute(sql: "PRAGMA user_version = \(version)") }
    }

    /// Makes the changes of a patch in a copy, all or none.
    ///
    /// - Parameters:
    ///   - version: the number that the copy is marked with; it is one higher then.
    ///   - isRepeated: some of them may be there already.
    /// - Throws: `JournalError`, `corrupt` where the copy is not what the patch was made for.
    package static func apply(_ patch: [UInt8], to path: String, version: Int32, isRepeated: Bool) throws {
        try open(path) { db in
            try db.inTransaction(.immediate) {
                guard try Int32.fetchOne(db, sql: "PRAGMA user_version") == version else {
                    throw JournalError.corrupt(path: path, what: "it is not the copy that was written")
                }
                try apply(patch, db, path, isRepeated: isRepeated)
                try db.execute(sql: "PRAGMA user_version = \(version &+ 1)")
                return .commit
            }
        }
    }

    private static func apply(_ patch: [UInt8], _ db: Database, _ path: String, isRepeated: Bool) throws {
        var patch = patch
        let code = patch.withUnsafeMutableBytes { bytes in
            bytes.isEmpty
                ? 0
                : csqlite_session_apply(
                    db.sqliteConnection.map { UnsafeMutableRawPointer($0) }, Int32(bytes.count), bytes.baseAddress,
                    isRepeated ? 1 : 0)
        }
        switch ResultCode(rawValue: code) {
        case .SQLITE_OK: break
        case .SQLITE_ABORT:
            throw JournalError.corrupt(path: path, what: "it is not what the next changes are of")
        case let code: throw DatabaseError(resultCode: code)
        }
    }

    private static func open(_ path: String, _ body: (Database) throws -> Void) throws {
        try Journal.guarding(path, "copying into") {
            guard FileManager.default.fileExists(atPath: path) else {
                throw JournalError.corrupt(path: path, what: "it is gone")
            }
            var configuration = Configuration()
            // Rows come in an order of their own.
            configuration.foreignKeysEnabled = false
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try body(db)
            }
            try queue.close()
        }
    }
}
