import ClusterProtocol
import CoordinatorCore
import Foundation
import SongFiles
import SongPlan
import SystemErrors

/// What a client asks.
enum ClientRequest {
    case upload(UploadPiece)
    /// - Parameters:
    ///   - specification: as JSON.
    ///   - format: of the audio files.
    case submit(SongID, specification: Data, format: String, priority: Int)
    /// nil asks for all songs.
    ///
    /// - Parameter cursor: where the answer goes on, empty at its beginning; nil when it must be one message.
    case status(SongID?, cursor: String?, StatusSelection)
    case cancel(SongID)
    case remove(SongID, force: Bool)
    case resume(SongID)
    case releaseMachine(MachineID)
    /// The song's files: finished ones, or sound that grows.
    ///
    /// - Parameter after: the path that was listed last.
    case list(SongID, soFar: Bool, after: String)
    case read(SongID, path: String, offset: UInt64, count: Int)
    case timeline(SongID)
    case models(ModelQuestion)
    /// What was counted and measured, after the metric of this name.
    case metrics(after: String)
}

/// What of a status is wanted.
struct StatusSelection: Hashable {
    /// Songs of one answer; nil: as many as a message has room for.
    var limit: Int?
    /// In the reverse order of their submissions.
    var newestFirst = false
    /// Only songs that have not ended.
    var unfinished = false
    /// No workers, refusals or troubles.
    var onlySongs = false
    var noSongs = false

    init() {}

    init(_ wire: WireStatusQuery) {
        limit = wire.limit > 0 ? Int(wire.limit) : nil
        (newestFirst, unfinished, onlySongs) = (wire.newestFirst, wire.unfinished, wire.onlySongs)
        noSongs = wire.noSongs
    }
}

/// A piece of a file that a client sends.
struct UploadPiece {
    /// SHA-256 of the whole file, in hexadecimal.
    var digest: String
    var ending: String
    /// Of the whole file.
    var size: UInt64
    var offset: UInt64
    var data: Data
}

/// What a client is answered.
enum ClientReply {
    /// Why the request failed.
    case refused(String, SongError.Kind = .other)
    /// Bytes that are there.
    case uploaded(UInt64)
    case submitted(SongID, tokens: Int, warnings: [String])
    case status(StatusReport)
    case cancelled(wasRunning: Bool)
    case removed(wasRunning: Bool)
    case resumed(wasAtRest: Bool)
    case released(wasSetAside: Bool)
    case files(FileList)
    /// - Parameter size: of the whole file.
    case piece(Data, size: UInt64)
    case timeline(FileList.File)
    case models(ModelAnswer)
    case metrics(MetricPage)
}

extension ClientReply {
    /// What came of a request that could not be carried out.
    static func refused(_ error: any Error) -> ClientReply {
        .refused(error.explanation, (error as? SongError)?.kind ?? (error.isAboutRoom ? .unavailable : .other))
    }

    /// The same with about half of what can be left out; in the end that is all of it.
    fileprivate var halved: ClientReply {
        switch self {
        case .refused(let reason, let kind):
            return .refused(String(reason.unicodeScalars.prefix(reason.unicodeScalars.count / 2)), kind)
        case .submitted(let song, let tokens, let warnings) where !warnings.isEmpty:
            return .submitted(song, tokens: tokens, warnings: Array(warnings.prefix(warnings.count / 2)))
        case .status(var report) where !report.songs.isEmpty || !report.workers.isEmpty:
            report.songs = Array(report.songs.suffix(report.songs.count / 2))
            report.workers = Array(report.workers.prefix(report.workers.count / 2))
            return .status(report)
        case .uploaded, .submitted, .status, .cancelled, .removed, .resumed, .released, .files, .piece, .timeline,
            .models, .metrics:
            return .refused("the answer is larger than a message can be")
        }
    }
}

/// Songs and workers, as clients see them.
struct StatusReport {
    struct Song {
        /// Bytes in a message.
        var wireSize: Int { WireSongStatus(self).byteCount + 4 }
        var status: SongStatus
        var priority: Int
        /// Since it was submitted.
        var ageSeconds: Double
        var tokensPerSecond: Double
        var secondsLeft: Double
        /// Of encoding or decoding.
        var stage: (share: Double, secondsLeft: Double)?
        /// What holds it up; nil when nothing.
        var waiting: String?
        /// By level.
        var audibleSeconds: [Double]
        /// Of a finished one, what people should know of its files and tokens.
        var note: String?
    }
    struct Worker {
        /// Bytes in a message.
        var wireSize: Int { WireWorkerStatus(self).byteCount + 4 }
        var status: WorkerStatus
        var silentSeconds: Double
    }
    struct SetAside {
        var status: SetAsideStatus
        var secondsSince: Double
        /// 0: until somebody releases it.
        var secondsLeft: Double
    }
    struct Refusal {
        var entry: RefusalTable.Entry
        var secondsAgo: Double
    }
    var songs: [Song]
    var workers: [Worker]
    /// The newest first.
    var refusals: [Refusal]
    /// Machines that get nothing just now, as many as fit.
    var setAsides: [SetAside] = []
    /// What holds the coordinator up, or soon will.
    var troubles: [String]
    var uptimeSeconds: Double
    /// nil where they cost nothing.
    var connections: ConnectionCount?
    /// How many songs and workers there are, where not all may be shown.
    var all: (songs: Int, workers: Int)?
    /// Where the rest begins, which another request asks for.
    var next: String?
}

/// Files of a song's folder.
struct FileList {
    struct File {
        /// Below the folder.
        var path: String
        var size: UInt64
    }
    var state: SongState
    /// What becomes of files that are damaged, and not in the list; nil when none is.
    var damage: String?
    var files: [File] = []
    /// Audio samples a second, and of the whole song; 0 when that is not known.
    var sampleRate = 0
    var sampleLength = 0
    /// Whether there are others after these.
    var hasMore = false
}

extension ClientRequest {
    /// nil for an empty request, and for one that only a newer release knows.
    init?(_ wire: WireClientRequest) {
        switch wire.kind {
        case .upload(let upload):
            self = .upload(
                UploadPiece(
                    digest: upload.digest, ending: upload.ending, size: upload.size, offset: upload.offset,
                    data: upload.data))
        case .submit(let submit):
            self = .submit(
                submit.song, specification: Data(submit.specification.utf8), format: submit.format,
                priority: min(max(Int(submit.priority), -1_000_000), 1_000_000))
        case .status(let query):
            self = .status(
                query.song.isEmpty ? nil : query.song, cursor: query.pages ? String(query.cursor.prefix(500)) : nil,
                StatusSelection(query))
        case .cancel(let cancel): self = .cancel(cancel.song)
        case .remove(let remove): self = .remove(remove.song, force: remove.force)
        case .resume(let resume): self = .resume(resume.song)
        case .releaseMachine(let release): self = .releaseMachine(release.machine)
        case .list(let list): self = .list(list.song, soFar: list.soFar, after: list.after)
        case .read(let read): self = .read(read.song, path: read.path, offset: read.offset, count: Int(read.length))
        case .timeline(let query): self = .timeline(query.song)
        case .models(let query): self = .models(ModelQuestion(query))
        case .metrics(let query): self = .metrics(after: query.after)
        case nil: return nil
        }
    }
}

extension AddressedReply {
    /// The message, with less in it where all would be more than a message can hold: whoever asks for much must not stop
    /// the coordinator.
    func fittingPayload() throws -> [UInt8] {
        var smaller = self
        while true {
            let payload = try WireFromCoordinator(kind: .reply(smaller.wire)).payload()
            if payload.count <= TransportLimits.maximumMessageSize { return payload }
            smaller.reply = smaller.reply.halved
        }
    }

    private var wire: WireClientReply {
        var wire = WireClientReply()
        wire.number = number
        switch reply {
        case .refused(let reason, let kind):
            wire.error = PeerText.lines(reason)
            wire.errorKind = kind.wire
        case .uploaded(let have): wire.uploaded.have = have
        case .submitted(let song, let tokens, let warnings):
            wire.submitted.song = song
            wire.submitted.tokens = UInt64(tokens)
            wire.submitted.warnings = warnings
        case .status(let report): wire.status = WireStatus(report)
        case .cancelled(let wasRunning): wire.cancelled.wasRunning = wasRunning
        case .released(let wasSetAside): wire.released.wasSetAside = wasSetAside
        case .removed(let wasRunning): wire.removed.wasRunning = wasRunning
        case .resumed(let wasAtRest): wire.resumed.wasAtRest = wasAtRest
        case .files(let list):
            wire.files.state = "\(list.state)" + (list.damage.map { ", but \($0.prefix(1000))" } ?? "")
            wire.files.sampleRate = UInt32(list.sampleRate)
            wire.files.sampleLength = UInt64(list.sampleLength)
            wire.files.files = list.files.map(WireFileEntry.init)
            wire.files.more = list.hasMore
        case .piece(let data, let size):
            wire.piece.size = size
            wire.piece.data = data
        case .timeline(let file): wire.timeline = WireFileEntry(file)
        case .models(let answer): wire.models = answer.wire
        case .metrics(let page): wire.metrics = WireMetrics(page)
        }
        return wire
    }
}

extension SongError.Kind {
    fileprivate var wire: WireErrorKind {
        switch self {
        case .other, .song, .missing: .unspecified
        case .unknown: .notFound
        case .conflict: .conflict
        case .busy: .busy
        case .forbidden: .forbidden
        case .unavailable: .unavailable
        }
    }
}

extension WireFileEntry {
    fileprivate init(_ file: FileList.File) {
        self.init()
        path = file.path
        size = file.size
    }
}

extension WireStatus {
    fileprivate init(_ report: StatusReport) {
        self.init()
        uptimeSeconds = report.uptimeSeconds
        songs = report.songs.map(WireSongStatus.init)
        workers = report.workers.map(WireWorkerStatus.init)
        refusals = report.refusals.map(WireRefusal.init)
        next = report.next ?? ""
        if let count = report.connections {
            connections = UInt32(clamping: count.open)
            connectionLimit = UInt32(clamping: count.limit)
            turnedAway = count.turnedAway
        }
        // An older client shows who was refused, and so hears of what it is not shown.
        if let all = report.all, all.songs > songs.count || all.workers > workers.count {
            var note = WireRefusal()
            note.name = "status"
            note.reason =
                "it shows \(songs.count) of \(all.songs) songs and \(workers.count) of \(all.workers) workers: a newer "
                + "orchestrion shows all"
            note.count = 1
            refusals.insert(note, at: 0)
        }
        troubles = report.troubles.prefix(16).map { PeerText.lines($0, limit: 1000) }
        setAside = report.setAsides.map(WireSetAside.init)
    }
}

extension WireSetAside {
    fileprivate init(_ aside: StatusReport.SetAside) {
        self.init()
        machine = aside.status.machine
        name = aside.status.name
        reason = String(aside.status.reason.prefix(500))
        secondsLeft = aside.secondsLeft
        sinceSeconds = aside.secondsSince
    }
}

extension WireRefusal {
    fileprivate init(_ refusal: StatusReport.Refusal) {
        self.init()
        let entry = refusal.entry
        (key, address, name, reason) = (entry.key, entry.address, entry.name, entry.reason)
        secondsAgo = refusal.secondsAgo
        count = entry.count
    }
}

extension WireWorkerStatus {
    fileprivate init(_ worker: StatusReport.Worker) {
        self.init()
        self.worker = PeerText.shown(worker.status.worker, limit: 80)
        name = worker.status.name
        levels = worker.status.levels.map(UInt32.init)
        slots = UInt32(worker.status.slots)
        busy = UInt32(worker.status.busy)
        tokensPerSecond = worker.status.tokensPerSecond
        silentSeconds = worker.silentSeconds
        machine = String(worker.status.machine.prefix(200))
    }
}

extension WireSongStatus {
    fileprivate init(_ song: StatusReport.Song) {
        self.init()
        let status = song.status
        self.song = status.song
        model = status.model
        (songState, state, reason) = status.state.wire
        if let note = song.note { reason = String(note.prefix(1000)) }
        samples = UInt32(status.samples)
        segments = UInt32(clamping: status.segments)
        running = UInt32(clamping: status.running)
        sampledTokens = UInt64(status.sampledTokens)
        wantedTokens = UInt64(status.wantedTokens)
        tokensPerSecond = song.tokensPerSecond
        secondsLeft = song.secondsLeft
        priority = Int32(clamping: song.priority)
        ageSeconds = song.ageSeconds
        waiting = song.waiting.map { String($0.prefix(1000)) } ?? ""
        if let stage = song.stage { (stageShare, stageSecondsLeft) = stage }
        levels = zip(status.levels, song.audibleSeconds).map { level, audibleSeconds in
            var progress = WireLevelStatus()
            progress.level = UInt32(level.level)
            progress.tokens = UInt64(level.tokens)
            progress.total = UInt64(level.total)
            progress.windowsDone = UInt32(level.windowsDone)
            progress.windows = UInt32(level.windows)
            progress.audibleSeconds = audibleSeconds
            return progress
        }
    }
}

extension SongState {
    /// For the wire; the words are for clients of before.
    fileprivate var wire: (state: WireSongState, words: String, reason: String) {
        switch self {
        case .preparing: (.preparing, "preparing", "")
        case .sampling: (.sampling, "sampling", "")
        case .decoding: (.decoding, "decoding", "")
        case .finished: (.finished, "finished", "")
        case .parked(let reason): (.parked, "parked", String(reason.prefix(2000)))
        case .failed(let reason): (.failed, "failed", String(reason.prefix(2000)))
        case .cancelled: (.cancelled, "cancelled", "")
        }
    }
}
