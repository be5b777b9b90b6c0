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
    case note(SongID, NoteChange)
    /// What a song was asked for.
    case request(SongID)
    case releaseMachine(MachineID)
    /// - Parameter who: a worker's name or id, a host, or a machine.
    case drain(who: String, undo: Bool)
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
    case noted
    /// - Parameter specification: as JSON.
    case request(specification: String, format: String)
    case released(wasSetAside: Bool)
    /// - Parameter workers: by their ids.
    case drained(workers: [String])
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
        case .uploaded, .submitted, .status, .cancelled, .removed, .resumed, .noted, .request, .released, .drained,
            .files,
            .piece, .timeline,
            .models, .metrics:
            return .refused("the answer is larger than a message can be")
        }
    }
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
        case .note(let note): self = .note(note.song, NoteChange(note))
        case .request(let query): self = .request(query.song)
        case .releaseMachine(let release): self = .releaseMachine(release.machine)
        case .drain(let drain): self = .drain(who: drain.who, undo: drain.undo)
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
        case .drained(let workers): wire.drained.workers = workers
        case .removed(let wasRunning): wire.removed.wasRunning = wasRunning
        case .resumed(let wasAtRest): wire.resumed.wasAtRest = wasAtRest
        case .noted: wire.noted = WireNoted()
        case .request(let specification, let format):
            (wire.request.specification, wire.request.format) = (specification, format)
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
