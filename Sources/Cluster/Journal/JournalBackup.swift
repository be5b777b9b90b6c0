import Foundation
import GRDB
import SystemErrors

/// Copies of a journal in `STATE/backups`, made by SQLite while it is used.
package enum JournalBackup {
    package static let kept = 2
    static let folderName = "backups"
    private static let damagedKept = 3

    static func folder(beside path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(folderName).path
    }

    /// The copies beside a journal, the newest first.
    package static func all(beside path: String) -> [String] {
        let folder = folder(beside: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("journal-") && $0.hasSuffix(".sqlite") }.sorted(by: >).map {
            "\(folder)/\($0)"
        }
    }

    /// What to do about a journal that cannot be read.
    static func advice(for path: String) -> String {
        guard let newest = all(beside: path).first else {
            return "there is no backup of it; move it away to begin anew, or choose another state folder"
        }
        let state = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return
            "the newest backup is \(newest); stop the coordinator and give: orchestrion journal restore --state '\(state)'"
    }

    /// Copies a journal, which may be in use.
    ///
    /// - Returns: the copy.
    package static func make(of path: String, to target: String? = nil) throws -> String {
        let folder = folder(beside: path)
        let target = target ?? "\(folder)/journal-\(stamp()).sqlite"
        try OutputFolder.make(URL(fileURLWithPath: target).deletingLastPathComponent().path)
        let part = "\(target).partial-\(getpid())"
        defer { for ending in ["", "-wal", "-shm", "-journal"] { unlink(part + ending) } }
        try Journal.guarding(path, "copying") {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let source = try DatabaseQueue(path: path, configuration: configuration)
            try copy(source, to: part, on: SystemDisk())
            try source.close()
        }
        guard rename(part, target) == 0 else { throw SystemError(target) }
        OutputFolder.synchronize(containing: target)
        return target
    }

    /// Writes all that a journal has into another file, which is then on the disk.
    static func copy(_ source: DatabaseQueue, to target: String, on disk: any JournalDisk) throws {
        for ending in ["", "-wal", "-shm", "-journal"] { disk.remove(target + ending) }
        let copy = try DatabaseQueue(path: disk.database(target))
        try source.backup(to: copy)
        // One file, whatever the journal's mode is.
        try copy.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = DELETE") }
        try copy.close()
        try disk.synchronize(target)
    }

    /// Those that are too many go, the oldest first.
    package static func thinOut(beside path: String) {
        for old in all(beside: path).dropFirst(kept) { unlink(old) }
    }

    /// When the newest was made; nil when there is none.
    package static func age(beside path: String) -> Duration? {
        guard let newest = all(beside: path).first,
            let date = (try? FileManager.default.attributesOfItem(atPath: newest))?[.modificationDate] as? Date
        else { return nil }
        return .seconds(max(0, Date().timeIntervalSince(date)))
    }

    /// Copies a damaged journal as it is, before anything of it is deleted. Three such copies are kept.
    ///
    /// - Returns: the copy.
    static func keepDamaged(_ path: String, on disk: any JournalDisk) throws -> String {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let time = Date(timeIntervalSince1970: disk.wallTime)
        let target = "\(folder)/journal.damaged-\(stamp(time)).sqlite"
        for ending in ["", "-wal"] where disk.exists(path + ending) {
            do {
                try disk.copy(path + ending, to: target + ending)
                try disk.synchronize(target + ending)
            } catch {
                for ending in ["", "-wal"] { disk.remove(target + ending) }
                throw error
            }
        }
        let all = disk.names(in: folder).filter { $0.hasPrefix("journal.damaged-") && $0.hasSuffix(".sqlite") }
        for old in all.sorted(by: >).dropFirst(damagedKept) {
            for ending in ["", "-wal"] { disk.remove("\(folder)/\(old)\(ending)") }
        }
        return target
    }

    private static func stamp(_ time: Date = Date()) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        return formatter.string(from: time)
    }
}
