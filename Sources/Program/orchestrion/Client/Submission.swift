import ClusterProtocol
import CoordinatorService
import Digest
import Foundation
import SongPlan

extension CoordinatorClient {
    /// Sends the files that a song names, then the song.
    ///
    /// - Parameter uploads: false when the coordinator reads this machine's files itself.
    /// - Returns: tokens that will be sampled.
    func submit(_ request: SongRequest, song: String, uploads: Bool = true, priority: Int = 0) throws -> Int {
        var request = request
        if FileManager.default.fileExists(atPath: request.specification.model) {
            request.specification.model = URL(fileURLWithPath: request.specification.model).standardizedFileURL.path
        }
        func absolute(_ path: String) throws -> String {
            let full = URL(fileURLWithPath: path).standardizedFileURL.path
            guard FileManager.default.fileExists(atPath: full) else { throw ClientError("there is no file \(path)") }
            return full
        }
        let send = uploads ? upload : absolute
        // Other modes take no recording, which is what is to be said then.
        if [.primed, .upsample].contains(request.specification.mode) {
            try request.specification.prompt?.forEach(RecordingList.check)
        }
        request.specification.prompt = try request.specification.prompt?.map(send)
        request.specification.codes = try request.specification.codes.map(send)
        var submit = WireSubmit()
        submit.song = song
        submit.format = request.format
        submit.priority = Int32(priority)
        submit.specification = String(decoding: try request.specification.json(), as: UTF8.self)
        guard submit.specification.utf8.count < 60_000 else {
            throw ClientError(
                "the song's description is over 60 kB; shorten its lyrics or submit fewer samples at once")
        }
        // Checking a large model for the first time reads all of it.
        let submitted = try ask(.submit(submit), patience: .seconds(600)).submitted
        for warning in submitted.warnings { Terminal.note("warning: \(warning)") }
        return Int(submitted.tokens)
    }

    private func upload(_ path: String) throws -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        // A pipe would be waited for, for ever.
        let kind = try? FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path)[.type]
        guard kind == nil || kind as? FileAttributeType == .typeRegular else {
            throw ClientError("\(path) is not a file that can be sent")
        }
        guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
            throw ClientError("there is no file \(path), or it cannot be read")
        }
        var upload = WireUpload()
        upload.digest = data.withUnsafeBytes { Digest.sha256($0) }
        upload.ending = UploadStore.ending(of: url)
        upload.size = UInt64(data.count)
        upload.offset = 0
        var progress = ProgressLine("sending \(url.lastPathComponent)", total: data.count)
        while true {
            let end = min(data.count, Int(upload.offset) + UploadStore.pieceSize)
            upload.data = data.subdata(in: Int(upload.offset)..<end)
            upload.offset = try ask(.upload(upload)).uploaded.have
            progress.update(Int(upload.offset))
            if upload.offset >= upload.size { break }
        }
        progress.finish()
        return UploadStore.reference(digest: upload.digest, ending: upload.ending, name: url.path)
    }
}
