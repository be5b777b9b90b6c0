import ClusterMetrics
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
    func answer(_ request: ClientRequest?, number: UInt64, from asker: Asker) throws -> ClientReply? {
        // While nothing can be journaled, what was asked for waits.
        guard completions.count < Self.mostWaiting else {
            throw SongError("too much waits to be done just now; try again later", .busy)
        }
        switch request {
        case .upload(let piece):
            try uploads.begin(piece.digest, size: piece.size, of: asker.key ?? "", at: clock.seconds)
            metrics.count(CoordinatorMetric.bytesUploaded, "", piece.data.count)
            try work.add(piece, number: number, from: asker)
            return nil
        case .submit(let song, let specification, let format, let priority):
            guard !awaited.has(song, from: asker.connection, number: number) else { return nil }
            if let reason = reasonToRefuseSongs {
                throw SongError("no song can be taken on just now: \(reason). Submit it again later", .unavailable)
            }
            if let reason = lost[song] {
                throw SongError(
                    "song \(song) is here, and cannot be read (\(reason)); remove it, or use another id", .conflict)
            }
            guard !awaited.isFull(of: asker.connection) else {
                throw SongError("too many songs are being checked just now; try again later", .busy)
            }
            try submit(song, specification, format: format, priority: priority, of: asker)
            awaited.add(song, from: asker.connection, number: number)
            return nil
        case let request?: return try answerAtOnce(request, asker)
        case nil: throw SongError("the request is empty, or of a newer release")
        }
    }

    /// Answers what needs no work on another thread.
    private func answerAtOnce(_ request: ClientRequest, _ asker: Asker) throws -> ClientReply {
        switch request {
        case .upload, .submit: preconditionFailure("these are answered later")
        case .status(let song, let cursor, let selection):
            return .status(try status(song, cursor: cursor, selection, of: asker))
        case .cancel(let song):
            let wasRunning = try !existing(song, of: asker).state.isEnded
            completions.post(.event(.cancel(song)))
            try sayThatItWaits("\(song) is cancelled")
            return .cancelled(wasRunning: wasRunning)
        case .list(let song, let soFar, let after):
            return .files(try files(of: existing(song, of: asker), soFar: soFar, after: after))
        case .remove(let song, let force): return .removed(wasRunning: try remove(song, force: force, of: asker))
        case .resume(let song):
            let state = try existing(song, of: asker).state
            if state == .finished {
                throw SongError("song \(song) is finished; there is nothing left to do for it", .conflict)
            }
            completions.post(.event(.resume(song)))
            try sayThatItWaits("\(song) goes on")
            return .resumed(wasAtRest: state.isResumable)
        case .note(let song, let change):
            let note = try change.applied(to: existing(song, of: asker).note)
            completions.post(.event(.note(song, note)))
            try sayThatItWaits("\(song) is called and kept as asked")
            return .noted
        case .request(let song): return try requested(of: existing(song, of: asker).song)
        case .releaseMachine(let machine):
            guard asker.isAdmin else {
                throw SongError("only a key with the role admin may release machines", .forbidden)
            }
            completions.post(.event(.releaseMachine(machine)))
            try sayThatItWaits("\(machine) gets windows again")
            return .released(wasSetAside: core.setAsides.contains { $0.machine == machine })
        case .drain(let who, let undo): return try drain(who, undo: undo, of: asker)
        case .read(let song, let path, let offset, let count):
            return try piece(of: path, existing(song, of: asker).song, from: offset, count: count)
        case .timeline(let song): return .timeline(try timeline(of: existing(song, of: asker).song))
        case .models(let question): return .models(try work.registry.answer(question))
        case .metrics(let name): return .metrics(MetricPage(of: snapshot(), after: name))
        }
    }

    private func submit(
        _ song: SongID, _ specification: Data, format: String, priority: Int, of asker: Asker
    ) throws {
        guard PeerText.isSongID(song), !song.hasPrefix("-") else {
            throw SongError("a song's id is 1 to 64 letters, digits and dashes, and does not begin with a dash")
        }
        let former = core.submission(of: song)
        if let former, !asker.mayUse(former) {
            throw SongError("song \(song) was submitted before with other contents; use another id", .conflict)
        }
        var request = try SongRequest(json: specification, format: format)
        guard ["wav", "flac", "ogg"].contains(format) else {
            throw SongError("the format \(PeerText.shown(format, limit: 40)) is not one of wav, flac, ogg")
        }
        // Asked for once more, it is the song that it was, whoever came or went.
        if request.specification.segments == .auto, let former {
            request.specification.segments = .count(former.planInputs.segmentation?.count ?? 1)
        }
        // In one process client and worker start together; which comes first must not decide what is sampled.
        let slots = options.trustsPaths ? 0 : core.slots
        // Whoever asks for it again, it stays whose it was.
        let owner = former == nil ? asker.key : former?.owner
        work.prepare(
            song, request, priority: priority, slots: slots, owner: owner, time: { [journal] in journal.time })
    }

    /// A song that the asker may know of: for others there is none.
    func existing(_ song: SongID, of asker: Asker) throws -> SongStatus {
        guard core.submission(of: song).map(asker.mayUse) ?? false, let status = core.status(of: song) else {
            throw SongError("there is no song \(PeerText.songID(song)); orchestrion status lists them", .unknown)
        }
        return status
    }

    // MARK: status

    func report(_ status: SongStatus) -> StatusReport.Song {
        let song = songs[status.song]
        let speed = song?.speed.tokensPerSecond(at: clock.seconds) ?? 0
        let left =
            core.secondsLeft(of: status.song)
            ?? (speed > 0 ? Double(status.wantedTokens - status.sampledTokens) / speed : 0)
        let submission = core.submission(of: status.song)
        let inputs = submission?.planInputs
        let rate = Double(max(1, inputs?.geometry.sampleRate ?? 1))
        return StatusReport.Song(
            status: status, priority: submission?.priority ?? 0,
            ageSeconds: max(0, journal.time - status.submittedAt), tokensPerSecond: speed,
            secondsLeft: left, stage: song?.stage.progress,
            waiting: troubles.waiting(status.song) ?? core.waiting(status.song),
            audibleSeconds: status.levels.map {
                song?.audibleSeconds(level: $0.level, samples: status.samples) ?? 0
            },
            seconds: Double(inputs?.sampleLength ?? 0) / rate,
            labels: submission.map { summaries.labels(of: $0) } ?? [],
            parent: status.parent.map { origin in
                StatusReport.Parent(
                    origin: origin, secondsPerToken: Double(inputs?.geometry.lengthUnit ?? 0) / rate,
                    isHere: isHere(origin, of: status))
            }, note: note(of: status.song))
    }

    /// Whether a branch's parent is here: a song of its id that is not younger.
    private func isHere(_ origin: BranchOrigin, of child: SongStatus) -> Bool {
        guard let parent = origin.song.flatMap(core.submission) else { return false }
        return parent.song != child.song && parent.submittedAt <= child.submittedAt
    }

    /// What a song was asked for, with files by their owner's names.
    private func requested(of song: SongID) throws -> ClientReply {
        guard let submission = core.submission(of: song),
            var request = try? JSONDecoder().decode(SongRequest.self, from: Data(submission.specification.utf8))
        else { throw SongError("what \(song) was asked for cannot be read in the journal") }
        request.specification = request.specification.portable(ancestry: nil)
        // What a branch keeps has a name that means nothing to anybody.
        if request.specification.parent != nil {
            (request.specification.codes, request.specification.sources) = (nil, nil)
        }
        let json = String(decoding: try request.specification.json(), as: UTF8.self)
        return .request(specification: json, format: request.format)
    }

    private static let mostWaiting = 10_000

    // MARK: files

    /// Files that one answer lists.
    private static let filesAtOnce = 400

    private func files(of status: SongStatus, soFar: Bool, after: String) throws -> FileList {
        let song = status.song
        var list = FileList(state: status.state)
        checkFiles(of: song)
        let damaged = work.files.damaged(of: song)
        list.damage = damage(of: song)
        if let plan = core.plan(of: song) {
            list.sampleRate = plan.geometry.sampleRate
            list.sampleLength = plan.sampleLength
        }
        let root = layout(of: song).folder
        if let submission = core.submission(of: song), FolderOwner(submission, layout(of: song)).isOwn == false {
            throw SongError("the files of \(song) are of another song that had its id; remove it, and submit it again")
        }
        for path in FileManager.default.enumerator(atPath: root.path)?.compactMap({ $0 as? String }).sorted() ?? [] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: root.appendingPathComponent(path).path)
            guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular, !path.contains(".partial"),
                path != SongFolderLayout.ownerName, path != SongFolderLayout.witnessName, damaged[path] == nil,
                SongFolderLayout.isSoFar(path) == soFar
            else { continue }
            // In the order of their paths.
            guard after.isEmpty || path > after else { continue }
            guard list.files.count < Self.filesAtOnce else {
                list.hasMore = true
                break
            }
            list.files.append(FileList.File(path: path, size: UInt64(attributes[.size] as? Int ?? 0)))
        }
        return list
    }

    private func timeline(of song: SongID) throws -> FileList.File {
        let start = clock.seconds
        if songs[song] == nil || start >= nextTimelines[song] ?? 0 {
            try writeTimeline(song)
            // A twentieth of the time at most.
            if songs[song] != nil { nextTimelines[song] = clock.seconds + 20 * (clock.seconds - start) }
        }
        let file = layout(of: song).timeline
        guard let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int else {
            throw SongError("nothing of \(song) was sampled yet", .unknown)
        }
        return FileList.File(path: SongFolderLayout.timelineName, size: UInt64(size))
    }

    private func piece(of path: String, _ song: SongID, from offset: UInt64, count: Int) throws -> ClientReply {
        guard !path.split(separator: "/").contains(".."), !path.hasPrefix("/") else {
            throw SongError("\(PeerText.shown(path)) is not a file of the song", .unknown)
        }
        if let what = work.files.damaged(of: song)[path] {
            throw SongError("\(PeerText.shown(path)) of \(song) was damaged: \(what)", .unavailable)
        }
        let url = layout(of: song).folder.appendingPathComponent(path)
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw SongError("the song has no file \(PeerText.shown(path)) yet", .unknown)
        }
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: min(offset, size))
        return .piece(try handle.read(upToCount: min(count, FilePiece.size)) ?? Data(), size: size)
    }
}
