import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import SongPlan
import SystemErrors

/// What clients ask: submit, status, cancel, files.
extension CoordinatorServer {
    /// - Returns: the answer; nil when it follows later.
    func answer(_ request: WireClientRequest, from connection: ConnectionID) -> WireClientReply? {
        var reply = WireClientReply()
        reply.number = request.number
        if let reason = ProtocolVersion.refusal(of: request.version) {
            reply.error = reason
            note(RefusalTable.Entry(reason: "a client: \(reason)"))
            return reply
        }
        do {
            switch request.kind {
            case .upload(let upload): reply.uploaded = try uploads.take(upload)
            case .submit(let submit):
                try self.submit(submit)
                pending[submit.song] = (connection, request.number, [])
                return nil
            case .status(let query): reply.status = try status(query.song)
            case .cancel(let cancel): reply.cancelled = try self.cancel(cancel.song)
            case .list(let list): reply.files = try files(list)
            case .read(let read): reply.piece = try piece(read)
            case .timeline(let query): reply.timeline = try timeline(query.song)
            case nil: throw SongError("the request is empty, or of a newer release")
            }
        } catch {
            reply.error = error.explanation
        }
        return reply
    }

    private func submit(_ submit: WireSubmit) throws {
        guard (1...64).contains(submit.song.count),
            submit.song.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { throw SongError("a song's id is 1 to 64 letters, digits and dashes") }
        let request = try SongRequest(json: Data(submit.specification.utf8), format: submit.format)
        guard ["wav", "flac", "ogg"].contains(submit.format) else {
            throw SongError("the format \(submit.format) is not one of wav, flac, ogg")
        }
        prepare(song: submit.song, request: request, priority: Int(submit.priority))
    }

    func accepted(_ song: SongID, _ replies: inout [(ConnectionID, WireClientReply)]) {
        guard let (connection, number, warnings) = pending.removeValue(forKey: song) else { return }
        var reply = WireClientReply()
        reply.number = number
        reply.submitted.song = song
        reply.submitted.warnings = warnings
        reply.submitted.tokens = UInt64(core.status(of: song)?.wantedTokens ?? 0)
        replies.append((connection, reply))
    }

    func refused(_ song: SongID, _ reason: String, _ replies: inout [(ConnectionID, WireClientReply)]) {
        guard let (connection, number, _) = pending.removeValue(forKey: song) else { return }
        var reply = WireClientReply()
        reply.number = number
        reply.error = reason
        replies.append((connection, reply))
    }

    private func known(_ song: SongID) throws -> CoordinatorCore.SongStatus {
        guard let status = core.status(of: song) else {
            throw SongError("there is no song \(song); orchestrion status lists them")
        }
        return status
    }

    private func cancel(_ song: SongID) throws -> WireCancelled {
        var reply = WireCancelled()
        reply.wasRunning = try !known(song).state.isEnded
        post(.event(.cancel(song)))
        return reply
    }

    private func status(_ song: String) throws -> WireStatus {
        var reply = WireStatus()
        reply.uptimeSeconds = seconds
        // A reply is one message: the newest songs, and how many windows each has.
        let songs = song.isEmpty ? Array(core.songStatuses.suffix(100)) : [try known(song)]
        reply.songs = songs.map(wire)
        reply.workers = core.workerStatuses.filter(\.isConnected).prefix(200).map { worker in
            var status = WireWorkerStatus()
            status.worker = String(worker.worker.prefix(80))
            status.name = worker.name
            status.levels = worker.levels.map(UInt32.init)
            status.slots = UInt32(worker.slots)
            status.busy = UInt32(worker.busy)
            status.tokensPerSecond = worker.tokensPerSecond
            status.silentSeconds = max(0, (now - worker.lastHeard) / .seconds(1))
            return status
        }
        reply.refusals = wireRefusals
        return reply
    }

    private func wire(_ song: CoordinatorCore.SongStatus) -> WireSongStatus {
        var status = WireSongStatus()
        status.song = song.song
        status.model = song.model
        switch song.state {
        case .failed(let reason):
            status.state = "failed"
            status.reason = reason
        case .preparing, .sampling, .decoding, .finished, .cancelled: status.state = "\(song.state)"
        }
        status.samples = UInt32(song.samples)
        status.segments = UInt32(song.segments)
        status.running = UInt32(song.running)
        status.sampledTokens = UInt64(song.sampledTokens)
        status.wantedTokens = UInt64(song.wantedTokens)
        let speed = meters[song.song]?.tokensPerSecond(at: seconds) ?? 0
        status.tokensPerSecond = speed
        if let seconds = core.secondsLeft(of: song.song) {
            status.secondsLeft = seconds
        } else if speed > 0 {
            status.secondsLeft = Double(song.wantedTokens - song.sampledTokens) / speed
        }
        status.ageSeconds = core.submission(of: song.song).map { max(0, journal.time - $0.submittedAt) } ?? 0
        status.priority = Int32(clamping: core.submission(of: song.song)?.priority ?? 0)
        if let (share, secondsLeft) = stages.progress(of: song.song) {
            status.stageShare = share
            status.stageSecondsLeft = secondsLeft
        }
        status.levels = song.levels.map { level in
            var progress = WireLevelStatus()
            progress.level = UInt32(level.level)
            progress.tokens = UInt64(level.tokens)
            progress.total = UInt64(level.total)
            progress.windowsDone = UInt32(level.windowsDone)
            progress.windows = UInt32(level.windows)
            progress.audibleSeconds = audibleSeconds(song, level: level.level)
            return progress
        }
        return status
    }

    private func audibleSeconds(_ song: CoordinatorCore.SongStatus, level: Int) -> Double {
        guard let geometry = core.plan(of: song.song)?.geometry else { return 0 }
        // As far as every sample can be heard.
        let heard = (0..<song.samples).map { sample in
            let stream = StreamID(song: song.song, sample: sample, level: level)
            let pieces = sounds.audibleTokens(of: stream) * geometry.levels[level].samplesPerToken
            return max(joins.audibleSamples(of: stream), pieces)
        }
        return Double(heard.min() ?? 0) / Double(geometry.sampleRate)
    }

    // MARK: files

    private func files(_ query: WireListFiles) throws -> WireFileList {
        var list = WireFileList()
        list.state = try "\(known(query.song).state)"
        if let plan = core.plan(of: query.song) {
            list.sampleRate = UInt32(plan.geometry.sampleRate)
            list.sampleLength = UInt64(plan.sampleLength)
        }
        let root = folder(of: query.song)
        for path in FileManager.default.enumerator(atPath: root.path)?.compactMap({ $0 as? String }).sorted() ?? [] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: root.appendingPathComponent(path).path)
            guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular, !path.contains(".partial"),
                path.hasPrefix("\(SongOutput.soFar)/") == query.soFar
            else { continue }
            var entry = WireFileEntry()
            entry.path = path
            entry.size = UInt64(attributes[.size] as? Int ?? 0)
            list.files.append(entry)
        }
        return list
    }

    private func timeline(_ song: String) throws -> WireFileEntry {
        _ = try known(song)
        try writeTimeline(song)
        let file = folder(of: song).appendingPathComponent(Timeline.file)
        guard let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int else {
            throw SongError("nothing of \(song) was sampled yet")
        }
        var entry = WireFileEntry()
        entry.path = Timeline.file
        entry.size = UInt64(size)
        return entry
    }

    private func piece(_ read: WireReadFile) throws -> WireFilePiece {
        _ = try known(read.song)
        guard !read.path.split(separator: "/").contains(".."), !read.path.hasPrefix("/") else {
            throw SongError("\(read.path) is not a file of the song")
        }
        let url = folder(of: read.song).appendingPathComponent(read.path)
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw SongError("the song has no file \(read.path) yet")
        }
        defer { try? handle.close() }
        var piece = WireFilePiece()
        piece.size = try handle.seekToEnd()
        try handle.seek(toOffset: min(read.offset, piece.size))
        piece.data = try handle.read(upToCount: min(Int(read.length), UploadStore.pieceSize)) ?? Data()
        return piece
    }
}
