import CoordinatorCore
import Foundation
import ProgramLog
import SongFiles
import SongPlan
import Synchronization
import SystemErrors

/// Which files of finished songs are damaged, as far as somebody looked. Any thread.
final class FinishedFiles: Sendable {
    /// What tells one state of a file from another without reading it.
    struct Stamp: Hashable {
        private let numbers: [Int]

        /// nil when there is no such file.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            numbers = [
                Int(status.st_dev), Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec,
                status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ]
        }
    }

    private struct Entry {
        /// Files that were whole when they were read.
        var whole: [String: Stamp] = [:]
        /// What becomes of those that were not.
        var damaged: [String: String] = [:]
        var isLooking = false
    }

    private let table = Mutex<[SongID: Entry]>([:])

    /// By path, what becomes of it.
    func damaged(of song: SongID) -> [String: String] { table.withLock { $0[song]?.damaged ?? [:] } }

    /// Songs that have damaged files.
    var songs: [SongID] { table.withLock { table in table.filter { !$0.value.damaged.isEmpty }.keys.sorted() } }

    func forget(_ song: SongID) { table.withLock { $0[song] = nil } }

    /// - Returns: whether nobody is looking at the song already.
    func begin(_ song: SongID) -> Bool {
        table.withLock { table in
            defer { table[song, default: Entry()].isLooking = true }
            return table[song]?.isLooking != true
        }
    }

    func end(_ song: SongID) { table.withLock { $0[song]?.isLooking = false } }

    func isKnown(_ path: String, of song: SongID, as stamp: Stamp?) -> Bool {
        stamp != nil && table.withLock { $0[song]?.whole[path] == stamp }
    }

    func note(_ path: String, of song: SongID, whole stamp: Stamp?) {
        table.withLock { table in
            // One that was removed meanwhile stays forgotten.
            table[song]?.whole[path] = stamp
            table[song]?.damaged[path] = nil
        }
    }

    func note(_ path: String, of song: SongID, damaged what: String) {
        table.withLock { table in
            table[song]?.whole[path] = nil
            table[song]?.damaged[path] = what
        }
    }
}

/// Looks after the files of finished songs: what a disk or a person changed is told, and made again from the codes.
extension BackgroundWork {
    /// A finished song, as jobs for its files need it.
    struct Finished: Sendable {
        let id: SongID
        let layout: SongFolderLayout
        let plan: Plan
    }

    /// Compares a finished song's files with `song.json`.
    ///
    /// - Parameter isThorough: those, too, that look as they did when they were read last.
    func checkFiles(of song: Finished, isThorough: Bool) {
        guard isPatient, files.begin(song.id) else { return }
        queue(.upkeep).add { [self] in
            defer { files.end(song.id) }
            guard FileManager.default.fileExists(atPath: song.layout.folder.path) else { return }
            do {
                let finished = try FinishedSong(song.layout.folder)
                files.note(SongFolderLayout.descriptionName, of: song.id, whole: nil)
                for path in finished.digests.keys.sorted() where !completions.isStopping {
                    check(path, of: song, finished, isThorough: isThorough)
                }
            } catch {
                guard !error.isOfMoment else { return }
                let place = SongFolderLayout.descriptionName
                tellDamage(of: place, song, "\(error.explanation); \(Self.advice)")
            }
        }
    }

    private static let advice = "submit the song again under another id: the same comes of it"

    private func check(_ path: String, of song: Finished, _ finished: FinishedSong, isThorough: Bool) {
        let stamp = FinishedFiles.Stamp(song.layout.folder.appendingPathComponent(path).path)
        if !isThorough, files.isKnown(path, of: song.id, as: stamp) { return }
        do {
            if stamp != nil, try finished.isWhole(path) {
                return files.note(path, of: song.id, whole: stamp)
            }
        } catch {
            guard !error.isOfMoment else { return }
            // A disk that cannot be read now may be later.
            guard error.systemNumber == nil else { return tellDamage(of: path, song, error.waitingExplanation) }
        }
        guard SongFolderLayout.place(of: path) != nil else {
            return tellDamage(of: path, song, "it is not what was written; \(Self.advice)")
        }
        tellDamage(of: path, song, "it is made again from the codes")
        queue(.decoding).add(priority: -1) { [self] in
            do {
                let vqvae = try registry.vqvae(named: finished.model)
                try finished.makeAgain(path, plan: song.plan, vqvae: vqvae, team: team.decoding)
                let stamp = FinishedFiles.Stamp(song.layout.folder.appendingPathComponent(path).path)
                files.note(path, of: song.id, whole: stamp)
                log("\(path) of song \(song.id) was made again, and is as it was", .info, LogFields(song: song.id))
            } catch {
                tellDamage(of: path, song, "it cannot be made again: \(error.explanation); \(Self.advice)")
            }
        }
    }

    private func tellDamage(of path: String, _ song: Finished, _ what: String) {
        let isNew = files.damaged(of: song.id)[path] != what
        files.note(path, of: song.id, damaged: what)
        guard isNew else { return }
        log("\(path) of the finished song \(song.id) was damaged: \(what)", .warning, LogFields(song: song.id))
    }
}

extension Error {
    /// Whether this process could not have what it needed just then, which says nothing of any file: it is looked again later.
    var isOfMoment: Bool { [EMFILE, ENFILE, ENOMEM].contains(systemNumber ?? 0) }
}

extension CoordinatorLoop {
    private static let secondsOfDay = 86_400.0

    /// Looks at the files of a finished song in the background.
    func checkFiles(of song: SongID, isThorough: Bool = false) {
        guard core.state(of: song) == .finished, let plan = core.plan(of: song) else { return }
        work.checkFiles(
            of: BackgroundWork.Finished(id: song, layout: layout(of: song), plan: plan), isThorough: isThorough)
    }

    /// Each finished song is looked at once a day, and none at the cost of the others.
    func checkNextFiles(_ now: Double) {
        if now >= scrub.next, scrub.songs.isEmpty {
            scrub.next = now + Self.secondsOfDay
            scrub.songs = core.songIDs.filter { core.state(of: $0) == .finished }
        }
        guard let song = scrub.songs.popLast() else { return }
        checkFiles(of: song, isThorough: true)
    }

    /// What became of a finished song's files; nil when nothing did.
    func damage(of song: SongID) -> String? {
        let damaged = work.files.damaged(of: song).sorted { $0.key < $1.key }
        return damaged.isEmpty
            ? nil : damaged.map { "\($0.key) was damaged: \($0.value)" }.joined(separator: "; ")
    }

    /// What people should know of a finished song; nil when nothing.
    func note(of song: SongID) -> String? {
        let notes = [damage(of: song), work.doubts.text(of: song)].compactMap(\.self)
        return notes.isEmpty ? nil : notes.joined(separator: "; ")
    }
}

/// Finished songs whose files are still to be looked at.
struct Scrub {
    var songs: [SongID] = []
    /// Seconds of the loop's clock.
    var next = 5.0
}
