import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import ProgramLog
import SongFiles
import SongPlan
import Synchronization
import SystemErrors

/// What the loop remembers of its upkeep: room, backups, what has ended.
struct Upkeep {
    /// By song that has ended, seconds since 1970.
    var endings: [SongID: Double]
    /// Songs that have ended and whose timeline is not written, or whose tokens are not forgotten.
    fileprivate(set) var unsettled: [SongID: [WorkerID: Timeline.Worker]] = [:]
    /// Songs were submitted that lie in the journal's write-ahead log alone.
    var hasNewSongs = false
    /// Finished songs whose tokens the journal keeps until their files are in the copy of the state.
    var awaitingCopy: Set<SongID> = []
    fileprivate var isOverQuota = false
    fileprivate var isMeasuring = false
    /// The journal's file is not where it was, and cannot be put back.
    fileprivate var isAstray = false
    fileprivate var nextLook = 0.0
    fileprivate var nextSettling = 0.0
    fileprivate var nextShrinking = 60.0
    fileprivate var nextCleaning = 5.0
    fileprivate var nextBackup = 0.0

    init(endings: [SongID: Double]) { self.endings = endings }
}

/// Room on the disk: what is not needed any more goes, and what runs short is told before it is gone.
extension CoordinatorLoop {
    private static let space = Troubles.Place.coordinator(part: "room")
    private static let quota = Troubles.Place.coordinator(part: "quota")
    private static let place = Troubles.Place.coordinator(part: "the journal's place")
    private static let others = Troubles.Place.coordinator(part: "the journal's content")
    private static let day = 86_400.0
    /// Less than this part of a disk or quota, and less than so many bytes, is little.
    private static let (littlePart, littleBytes) = (20, 1_000_000_000)

    var isOverQuota: Bool { upkeep.isOverQuota }

    /// Whether nothing but the journal's own trouble stops assignments.
    var mayProceed: Bool { !upkeep.isOverQuota && !upkeep.isAstray }

    var quotaText: String {
        "the quota of \(Self.text(options.quota ?? 0)) for \(folder.path) is used up; orchestrion remove makes room, or a "
            + "larger --quota"
    }

    func beginUpkeep() {
        for song in (try? journal.unforgotten()) ?? [] where core.state(of: song) == .finished {
            upkeep.unsettled[song] = [:]
        }
        do { try journal.compactIfWorthwhile() } catch {
            options.log("the journal could not be made smaller: \(error.waitingExplanation)", .warning)
        }
        if options.quota != nil { measureUse() }
        reserve.fill()
    }

    /// A bound changed while songs run.
    func settingsChanged() {
        let (quota, days) = (options.quota.map(Self.text), options.keepFor.map { "\($0 / Self.day) days" })
        options.log("from now on: a quota of \(quota ?? "all the disk"), and songs stay for \(days ?? "ever")")
        if options.quota != nil { measureUse() } else { troubles.clear(Self.quota) }
        (upkeep.nextLook, upkeep.nextCleaning) = (0, 0)
    }

    private var reserve: RoomReserve { RoomReserve(folder: folder.path, quota: options.quota) }

    /// What is due now.
    func keepUp(_ transport: any Transport, _ replies: inout [AddressedReply]) throws {
        guard work.isPatient else { return }
        let now = clock.seconds
        if now >= upkeep.nextLook {
            upkeep.nextLook = now + 1
            try lookAtRoom(transport, &replies)
            try lookAtPlace(transport, &replies)
            secureNewSongs()
            checkNextFiles(now)
            tellOfDoubts()
            tellOfProfiles(now)
            lookAtCopy()
        }
        if now >= upkeep.nextSettling {
            upkeep.nextSettling = now + 2
            for (song, workers) in upkeep.unsettled { try settle(song, workers: workers) }
        }
        guard !gate.isHolding else { return }
        if now >= upkeep.nextShrinking {
            upkeep.nextShrinking = now + 60
            _ = try? journal.shrink()
            reserve.fill()
        }
        if now >= upkeep.nextCleaning {
            upkeep.nextCleaning = now + 600
            clean()
        }
        if now >= upkeep.nextBackup {
            upkeep.nextBackup = now + Self.day
            backUp()
        }
    }

    // MARK: songs that have ended

    /// Writes the timeline of a song that has ended, because the journal forgets what it is made of; then that is
    /// forgotten, if the song is finished: its codes are on the disk.
    func settle(_ song: SongID, workers: [WorkerID: Timeline.Worker]) throws {
        do {
            try writeTimeline(song, workers: workers)
            if core.state(of: song) == .finished {
                if copier == nil { try journal.forget(song) } else { forget(song) }
            }
            if upkeep.unsettled.removeValue(forKey: song) != nil { troubles.clear(.song(song, part: "timeline")) }
        } catch {
            guard work.isPatient else { throw error }
            upkeep.unsettled[song] = workers
            troubles.set(.song(song, part: "timeline"), "its timeline: \(error.waitingExplanation)")
        }
    }

    /// - Returns: whether it was running.
    func remove(_ song: SongID, force: Bool, of asker: Asker) throws -> Bool {
        // Whose it was cannot be read.
        if lost[song] != nil, asker.isAdmin {
            // The core knows nothing of it.
            try append([.songRemoved(song)])
            lost[song] = nil
            troubles.clear(.coordinator(part: "song \(song)"))
        } else {
            let isRunning = try !existing(song, of: asker).state.isEnded
            guard !isRunning || force else {
                throw SongError(
                    "song \(song) has not ended; cancel it first, or give --force, which cancels and removes it",
                    .conflict)
            }
            if isRunning {
                options.log("song \(song) is cancelled and removed, as a client asks")
                completions.post(.event(.cancel(song)))
                // After whatever is being decoded of it.
                work.add(.decoding) { [completions] in completions.post(.event(.remove(song))) }
                makeRoomForRemoval()
                return true
            }
        }
        options.log("song \(song) is removed, as a client asks")
        // At once, since the room may be what the journal waits for.
        removeFiles(of: song)
        completions.post(.event(.remove(song)))
        makeRoomForRemoval()
        return false
    }

    /// What is damaged at the end of a write-ahead log reads as if it had never been there. Tokens can be sampled again;
    /// that a song was asked for cannot, so it does not stay in the log.
    private func secureNewSongs() {
        guard upkeep.hasNewSongs, !gate.isHolding, (try? journal.checkpoint()) != nil else { return }
        upkeep.hasNewSongs = false
    }

    /// That a song goes has to be journaled, for which a full disk has no room.
    private func makeRoomForRemoval() {
        guard gate.isHolding else { return }
        if reserve.release() { options.log("lets go the room that was kept for the removal of songs") }
        try? journal.checkpoint()
        gate.hurry()
    }

    /// A song that was removed, or is about to be.
    func removeFiles(of song: SongID) {
        upkeep.endings[song] = nil
        upkeep.unsettled[song] = nil
        upkeep.awaitingCopy.remove(song)
        troubles.forget(song)
        work.files.forget(song)
        work.doubts.forget(song)
        let place = layout(of: song).folder
        guard FileManager.default.fileExists(atPath: place.path) else { return }
        let gone = place.deletingLastPathComponent().appendingPathComponent(".removed-\(UUID().uuidString)")
        // Out of the way of another song of the same id.
        guard rename(place.path, gone.path) == 0 else {
            try? FileManager.default.removeItem(at: place)
            return
        }
        work.add(.upkeep) { try? FileManager.default.removeItem(at: gone) }
    }

    private func clean() {
        if let keepFor = options.keepFor {
            for (song, time) in upkeep.endings where journal.time - time > keepFor {
                guard core.state(of: song)?.isEnded == true else { continue }
                options.log(
                    "song \(song) ended more than \(Int(keepFor / Self.day)) days ago, and is removed", .info,
                    LogFields(song: song))
                removeFiles(of: song)
                completions.post(.event(.remove(song)))
            }
        }
        let songs = core.songIDs.filter { core.state(of: $0) != .finished }.compactMap(core.submission)
        let needed = songs.map(\.specification).filter { $0.contains(UploadName.scheme) }
        let folder = folder.appendingPathComponent("songs")
        work.add(.upkeep) { [work, options] in
            let count = work.uploads.removeUnused { name in
                let digest = String(name.prefix { $0 != "." })
                return needed.contains { $0.contains(digest) }
            }
            if count > 0 { options.log("removed \(count) uploads that no song has needed for a day") }
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            where name.hasPrefix(".removed-") {
                try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
            }
        }
    }

    // MARK: room

    private func lookAtRoom(_ transport: any Transport, _ replies: inout [AddressedReply]) throws {
        if let disk = DiskSpace.of(folder.path), disk.free < min(disk.total / Self.littlePart, Self.littleBytes) {
            let left =
                disk.free == 0 ? "is full" : "is nearly full: \(Self.text(disk.free)) of \(Self.text(disk.total)) left"
            troubles.set(Self.space, "the disk of \(folder.path) \(left); orchestrion remove SONG makes room")
        } else {
            troubles.clear(Self.space)
        }
        // Without a quota there is room for all.
        let (quota, wasOver) = (options.quota ?? .max, upkeep.isOverQuota)
        guard let used = options.quota == nil ? (wasOver ? 0 : nil) : work.use else { return }
        upkeep.isOverQuota = used >= quota
        if used >= quota {
            troubles.set(Self.quota, "assignments are stopped: \(quotaText)")
        } else if quota - used < min(quota / Self.littlePart, Self.littleBytes) {
            troubles.set(Self.quota, "\(Self.text(used)) of the quota of \(Self.text(quota)) are used")
        } else {
            troubles.clear(Self.quota)
        }
        guard wasOver != upkeep.isOverQuota, !gate.isHolding else { return }
        try pauseOrProceed(quotaText, transport, &replies)
    }

    private func pauseOrProceed(
        _ reason: String, _ transport: any Transport, _ replies: inout [AddressedReply]
    ) throws {
        var effects = handle(mayProceed ? .proceed : .pause(reason: reason))
        while !effects.isEmpty { effects = try carryOut(effects, transport, &replies) }
    }

    /// What is written to a file that nobody can find any more is lost with this process. So it is put back.
    ///
    /// - Throws: another coordinator has the folder by now.
    private func lookAtPlace(_ transport: any Transport, _ replies: inout [AddressedReply]) throws {
        let wasAstray = upkeep.isAstray
        var reason = ""
        if journal.isInPlace {
            upkeep.isAstray = false
        } else {
            do throws(JournalError) {
                try journal.putBack()
                upkeep.isAstray = false
                options.log(
                    "warning: somebody removed or replaced the journal in \(folder.path) while it was used; all that it had is "
                        + "written there again")
            } catch {
                guard error.passes else { throw error }
                upkeep.isAstray = true
                reason = error.waitingExplanation
                troubles.set(
                    Self.place,
                    "assignments are stopped: somebody removed the journal in \(folder.path), and it cannot be put back: \(reason)"
                )
            }
        }
        if journal.wasWrittenByOthers {
            troubles.set(
                Self.others,
                "somebody wrote into \(journal.path) while it was used. Songs that run go on from memory, but a restart may find "
                    + "less of them, so let them end first. Then stop the coordinator and give: orchestrion journal check --state "
                    + "'\(folder.path)'. No more backups are made, so that those from before stay")
        }
        guard wasAstray != upkeep.isAstray else { return }
        if !upkeep.isAstray { troubles.clear(Self.place) }
        if !gate.isHolding { try pauseOrProceed(reason, transport, &replies) }
    }

    /// Looks again and again at what the state takes.
    private func measureUse() {
        guard !upkeep.isMeasuring else { return }
        upkeep.isMeasuring = true
        work.measureUse(of: folder.path)
    }

    private func backUp() {
        let (path, folder) = (journal.path, folder.path)
        guard !core.songIDs.isEmpty, !journal.wasWrittenByOthers, let size = try? journal.size() else { return }
        work.add(.upkeep) { [options] in
            if let age = JournalBackup.age(beside: path), age < .seconds(60) { return }
            guard DiskSpace.of(folder).map({ $0.free > 2 * size.bytes + 50_000_000 }) ?? true else {
                return options.log("makes no backup of the journal: the disk has too little room", .warning)
            }
            do {
                _ = try JournalBackup.make(of: path)
                JournalBackup.thinOut(beside: path)
            } catch {
                options.log("the journal could not be backed up: \(error.waitingExplanation)", .warning)
            }
        }
    }

    private static func text(_ bytes: Int) -> String {
        switch bytes {
        case ..<10_000_000: "\(bytes / 1000) kB"
        case ..<10_000_000_000: "\(bytes / 1_000_000) MB"
        default: "\(bytes / 1_000_000_000) GB"
        }
    }
}

extension BackgroundWork {
    /// Bytes that the state took when it was looked at last; nil before.
    var use: Int? { measuredUse.withLock { $0 } }

    /// - Parameter pause: from the second look on.
    func measureUse(of folder: String, after pause: Duration? = nil) {
        queue(.upkeep).add(after: pause) { [self] in
            let used = DiskSpace.used(by: folder)
            measuredUse.withLock { $0 = used }
            measureUse(of: folder, after: .seconds(3))
        }
    }
}
