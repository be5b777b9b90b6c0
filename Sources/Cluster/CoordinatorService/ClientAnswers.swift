import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import SongFiles
import SongPlan
import SystemErrors

/// What clients ask: submit, status, cancel, files.
extension CoordinatorLoop {
    /// - Parameter request: nil when it is empty, or of a newer release.
    /// - Returns: the answer; nil when it follows later.
    func answer(_ request: ClientRequest?, number: UInt64, from connection: ConnectionID) throws -> ClientReply? {
        switch request {
        case .upload(let piece): return .uploaded(try work.uploads.add(piece))
        case .submit(let song, let specification, let format, let priority):
            guard !awaited.has(song, from: connection, number: number) else { return nil }
            if let reason = reasonToRefuseSongs {
                throw SongError("no song can be taken on just now: \(reason). Submit it again later")
            }
            if let reason = lost[song] {
                throw SongError("song \(song) is here, and cannot be read (\(reason)); remove it, or use another id")
            }
            guard !awaited.isFull else { throw SongError("too many songs are being checked just now; try again later") }
            try submit(song, specification, format: format, priority: priority)
            awaited.add(song, from: connection, number: number)
            return nil
        case .status(let song): return .status(try status(song))
        case .cancel(let song):
            let wasRunning = try !existing(song).state.isEnded
            completions.post(.event(.cancel(song)))
            return .cancelled(wasRunning: wasRunning)
        case .remove(let song, let force): return .removed(wasRunning: try remove(song, force: force))
        case .resume(let song):
            let state = try existing(song).state
            if state == .finished { throw SongError("song \(song) is finished; there is nothing left to do for it") }
            completions.post(.event(.resume(song)))
            return .resumed(wasAtRest: state.isResumable)
        case .releaseMachine(let machine):
            completions.post(.event(.releaseMachine(machine)))
            return .released(wasSetAside: core.setAsides.contains { $0.machine == machine })
        case .list(let song, let soFar): return .files(try files(of: song, soFar: soFar))
        case .read(let song, let path, let offset, let count):
            return try piece(of: path, song, from: offset, count: count)
        case .timeline(let song): return .timeline(try timeline(of: song))
        case nil: throw SongError("the request is empty, or of a newer release")
        }
    }

    private func submit(_ song: SongID, _ specification: Data, format: String, priority: Int) throws {
        guard (1...64).contains(song.count),
            song.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { throw SongError("a song's id is 1 to 64 letters, digits and dashes") }
        var request = try SongRequest(json: specification, format: format)
        guard ["wav", "flac", "ogg"].contains(format) else {
            throw SongError("the format \(format) is not one of wav, flac, ogg")
        }
        // Asked for once more, it is the song that it was, whoever came or went.
        if request.specification.segments == .auto, let former = core.submission(of: song) {
            request.specification.segments = .count(former.planInputs.segmentation?.count ?? 1)
        }
        // In one process client and worker start together; which comes first must not decide what is sampled.
        let slots = options.trustsPaths ? 0 : core.slots
        work.prepare(song, request, priority: priority, slots: slots, time: { [journal] in journal.time })
    }

    func existing(_ song: SongID) throws -> SongStatus {
        guard let status = core.status(of: song) else {
            throw SongError("there is no song \(song); orchestrion status lists them")
        }
        return status
    }

    // MARK: status

    /// Few enough for one reply.
    private static let (refusalsShown, setAsidesShown) = (8, 20)

    private func status(_ song: SongID?) throws -> StatusReport {
        // A reply is one message: the newest songs, and how many windows each has.
        let songs = try song.map { [try existing($0)] } ?? Array(core.songStatuses.suffix(100))
        let now = clock.now
        return StatusReport(
            songs: songs.map(report),
            workers: core.workerStatuses.filter(\.isConnected).prefix(200).map {
                StatusReport.Worker(status: $0, silentSeconds: max(0, (now - $0.lastHeard) / .seconds(1)))
            },
            refusals: refusals.entries.prefix(Self.refusalsShown).map {
                StatusReport.Refusal(entry: $0, secondsAgo: max(0, clock.seconds - $0.last))
            },
            setAsides: core.setAsides.prefix(Self.setAsidesShown).map {
                StatusReport.SetAside(
                    status: $0, secondsSince: max(0, (now - $0.since) / .seconds(1)),
                    secondsLeft: $0.until.map { max(0.1, ($0 - now) / .seconds(1)) } ?? 0)
            }, troubles: troubles.ofCoordinator, uptimeSeconds: clock.seconds)
    }

    private func report(_ status: SongStatus) -> StatusReport.Song {
        let song = songs[status.song]
        let speed = song?.speed.tokensPerSecond(at: clock.seconds) ?? 0
        let left =
            core.secondsLeft(of: status.song)
            ?? (speed > 0 ? Double(status.wantedTokens - status.sampledTokens) / speed : 0)
        return StatusReport.Song(
            status: status, priority: core.submission(of: status.song)?.priority ?? 0,
            ageSeconds: max(0, journal.time - status.submittedAt), tokensPerSecond: speed,
            secondsLeft: left, stage: song?.stage.progress,
            waiting: troubles.waiting(status.song) ?? core.waiting(status.song),
            audibleSeconds: status.levels.map {
                song?.audibleSeconds(level: $0.level, samples: status.samples) ?? 0
            })
    }

    // MARK: files

    private func files(of song: SongID, soFar: Bool) throws -> FileList {
        var list = FileList(state: try existing(song).state)
        if let plan = core.plan(of: song) {
            list.sampleRate = plan.geometry.sampleRate
            list.sampleLength = plan.sampleLength
        }
        let root = layout(of: song).folder
        for path in FileManager.default.enumerator(atPath: root.path)?.compactMap({ $0 as? String }).sorted() ?? [] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: root.appendingPathComponent(path).path)
            guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular, !path.contains(".partial"),
                SongFolderLayout.isSoFar(path) == soFar
            else { continue }
            list.files.append(FileList.File(path: path, size: UInt64(attributes[.size] as? Int ?? 0)))
        }
        return list
    }

    private func timeline(of song: SongID) throws -> FileList.File {
        _ = try existing(song)
        try writeTimeline(song)
        let file = layout(of: song).timeline
        guard let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int else {
            throw SongError("nothing of \(song) was sampled yet")
        }
        return FileList.File(path: SongFolderLayout.timelineName, size: UInt64(size))
    }

    private func piece(of path: String, _ song: SongID, from offset: UInt64, count: Int) throws -> ClientReply {
        _ = try existing(song)
        guard !path.split(separator: "/").contains(".."), !path.hasPrefix("/") else {
            throw SongError("\(path) is not a file of the song")
        }
        let url = layout(of: song).folder.appendingPathComponent(path)
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw SongError("the song has no file \(path) yet")
        }
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: min(offset, size))
        return .piece(try handle.read(upToCount: min(count, FilePiece.size)) ?? Data(), size: size)
    }
}
