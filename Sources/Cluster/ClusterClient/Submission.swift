import AudioFile
import ClusterProtocol
import Foundation
package import SongFiles
import SongPlan
import SystemErrors

/// What a coordinator says of a song that it took.
package struct SubmittedSong: Sendable, Hashable {
    /// That will be sampled.
    package var tokens: Int
    /// What the user should hear of, such as names that the model does not know.
    package var warnings: [String]
}

extension ClusterClient {
    /// Sends the files that a song names, then the song.
    ///
    /// - Parameters:
    ///   - uploads: false when the coordinator reads this machine's files itself.
    ///   - progress: told how far each file is.
    /// - Throws: `ClientError`, or `AudioFileError` for a recording that cannot be read.
    package func submit(
        _ request: SongRequest, song: String, uploads: Bool = true, priority: Int = 0,
        progress: (FileTransfer) -> Void = { _ in }
    ) throws -> SubmittedSong {
        var request = request
        if FileManager.default.fileExists(atPath: request.specification.model) {
            request.specification.model = URL(fileURLWithPath: request.specification.model).standardizedFileURL.path
        }
        func absolute(_ path: String) throws -> String {
            let full = URL(fileURLWithPath: path).standardizedFileURL.path
            guard FileManager.default.fileExists(atPath: full) else { throw ClientError("there is no file \(path)") }
            return full
        }
        func send(_ path: String) throws -> String {
            try uploads ? upload(path, progress: progress) : absolute(path)
        }
        // Other modes take no recording, which is what is to be said then.
        if [.primed, .upsample].contains(request.specification.mode) {
            try request.specification.prompt?.forEach(Self.checkRecording)
        }
        request.specification.prompt = try request.specification.prompt?.map(send)
        request.specification.codes = try request.specification.codes.map(send)
        var submit = WireSubmit()
        submit.song = song
        submit.format = request.format
        submit.priority = Int32(clamping: priority)
        submit.specification = String(decoding: try request.specification.json(), as: UTF8.self)
        guard submit.specification.utf8.count < 60_000 else {
            throw ClientError(
                "the song's description is over 60 kB; shorten its lyrics or submit fewer samples at once")
        }
        // Checking a large model for the first time reads all of it.
        let submitted = try ask(.submit(submit), patience: .seconds(600)).submitted
        return SubmittedSong(
            tokens: Int(clamping: submitted.tokens), warnings: submitted.warnings.map { PeerText.lines($0) })
    }

    /// Looks at a recording's header here, before it is sent or waited for.
    private static func checkRecording(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ClientError("there is no file \(path)" + (RecordingName.advice(on: path).map { ". " + $0 } ?? ""))
        }
        _ = try AudioReader(path: path)
    }

    private func upload(_ path: String, progress: (FileTransfer) -> Void) throws -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let file = try InputFile(url.path)
        var upload = WireUpload()
        upload.digest = try FileDigest.sha256(url.path)
        upload.ending = UploadName.ending(of: url)
        upload.size = UInt64(file.size)
        upload.offset = 0
        var transfer = FileTransfer(
            direction: .sending, name: url.lastPathComponent, total: file.size, done: 0, isComplete: false)
        progress(transfer)
        while true {
            let count = min(file.size - Int(upload.offset), FilePiece.size)
            upload.data = Data(try file.bytes(at: Int(upload.offset), count: count))
            guard upload.data.count == count else { throw ClientError("\(path) became shorter while it was sent") }
            // All of a large file is hashed before the last answer.
            let have = try ask(.upload(upload), patience: .seconds(600)).uploaded.have
            guard have <= upload.size else { throw ClientError("the coordinator has more of \(path) than there is") }
            upload.offset = have
            transfer.done = Int(clamping: upload.offset)
            progress(transfer)
            if upload.offset >= upload.size { break }
        }
        transfer.isComplete = true
        progress(transfer)
        return UploadName.make(digest: upload.digest, ending: upload.ending, name: url.path)
    }
}
