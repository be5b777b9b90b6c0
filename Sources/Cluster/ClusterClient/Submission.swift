import AudioFile
import ClusterProtocol
package import Foundation
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
        let known = request.specification.sources ?? [:]
        let isBranch = request.specification.parent != nil
        request.specification.sources = nil
        func send(_ path: String) throws -> String {
            if let wanted = known[path] { try Self.check(path, is: wanted) }
            // What a branch keeps lies in another folder each time, and the branch is the same.
            let name = isBranch ? URL(fileURLWithPath: path).lastPathComponent : nil
            guard !uploads else { return try upload(path, name: name, progress: progress) }
            let full = try absolute(path)
            request.specification.sources = (request.specification.sources ?? [:]).merging(
                [full: try FileDigest.sha256(full)]) { $1 }
            return full
        }
        // Other modes take no recording, which is what is to be said then.
        if [.primed, .upsample].contains(request.specification.mode) {
            try request.specification.prompt?.forEach(Self.checkRecording)
        }
        request.specification.prompt = try request.specification.prompt?.map(send)
        request.specification.codes = try request.specification.codes.map(send)
        return try submit(
            specification: String(decoding: request.specification.json(), as: UTF8.self), format: request.format,
            song: song, priority: priority)
    }

    /// Gives a song to the coordinator whose files it has already.
    ///
    /// - Parameter specification: a `SongSpecification` as JSON, in which recordings and codes are names of uploads.
    package func submit(
        specification: String, format: String, song: String, priority: Int = 0
    ) throws -> SubmittedSong {
        var submit = WireSubmit()
        (submit.song, submit.format, submit.specification) = (song, format, specification)
        submit.priority = Int32(clamping: priority)
        guard submit.specification.utf8.count < 60_000 else {
            throw ClientError(
                "the song's description is over 60 kB; shorten its lyrics or submit fewer samples at once")
        }
        // Checking a large model for the first time reads all of it.
        let submitted = try ask(.submit(submit), patience: .seconds(600)).submitted
        return SubmittedSong(
            tokens: Int(clamping: submitted.tokens), warnings: submitted.warnings.map { PeerText.lines($0) })
    }

    /// Sends a piece of a file.
    ///
    /// - Parameters:
    ///   - digest: SHA-256 of the whole file, in hexadecimal.
    ///   - ending: its own, such as `flac`.
    ///   - size: of the whole file, in bytes.
    ///   - data: at most `FilePiece.size` bytes; empty only asks.
    /// - Returns: how many bytes of the file the coordinator has: the next piece begins there.
    package func upload(
        digest: String, ending: String, size: UInt64, offset: UInt64, data: Data
    ) throws -> UInt64 {
        var upload = WireUpload()
        (upload.digest, upload.ending, upload.size) = (digest, ending, size)
        (upload.offset, upload.data) = (offset, data)
        // All of a large file is hashed before the last answer.
        let have = try ask(.upload(upload), patience: .seconds(600)).uploaded.have
        guard have <= size else { throw ClientError("the coordinator has more of the file than there is") }
        return have
    }

    /// - Throws: `ClientError` when a file is not the one that the song was made from.
    private static func check(_ path: String, is wanted: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let digest = try FileDigest.sha256(path)
        guard digest != wanted.lowercased() else { return }
        throw ClientError(
            "\(path) is not the file that the song was made from: its SHA-256 is \(digest), and \(wanted) is wanted. Find "
                + "that file, or remove \"sources\" from the song file to make another song")
    }

    /// Looks at a recording's header here, before it is sent or waited for.
    private static func checkRecording(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ClientError("there is no file \(path)" + (RecordingName.advice(on: path).map { ". " + $0 } ?? ""))
        }
        _ = try AudioReader(path: path)
    }

    /// - Parameter name: what the song calls the file; nil: its path.
    private func upload(
        _ path: String, name: String? = nil, progress: (FileTransfer) -> Void
    ) throws -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let file = try InputFile(url.path)
        let (digest, ending) = (try FileDigest.sha256(url.path), UploadName.ending(of: url))
        var offset: UInt64 = 0
        var transfer = FileTransfer(
            direction: .sending, name: url.lastPathComponent, total: file.size, done: 0, isComplete: false)
        progress(transfer)
        while true {
            let count = min(file.size - Int(offset), FilePiece.size)
            let data = Data(try file.bytes(at: Int(offset), count: count))
            guard data.count == count else { throw ClientError("\(path) became shorter while it was sent") }
            offset = try upload(
                digest: digest, ending: ending, size: UInt64(file.size), offset: offset, data: data)
            transfer.done = Int(clamping: offset)
            progress(transfer)
            if offset >= file.size { break }
        }
        transfer.isComplete = true
        progress(transfer)
        return UploadName.make(digest: digest, ending: ending, name: name ?? url.path)
    }
}
