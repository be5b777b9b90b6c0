import Checkpoint
import Digest
import Foundation
import SystemErrors

/// Brings one file into a folder, over as many tries as it takes.
struct Transfer {
    let file: RemoteFile
    let part: PartFile
    let client: WebClient
    /// Told with the bytes that are there.
    let progress: (Int) -> Void

    /// Bytes by which a file's kind is known.
    private static let beginning = 4096

    /// - Throws: `FetchError`, `SystemError`.
    func run() throws {
        try client.trying(file.name, progress: { part.size }) { try attempt() }
        try checkDigest()
        try part.complete()
    }

    private func attempt() throws {
        let record = part.resumable(file.address)
        // It may have ended just before it got its name.
        if let record, let length = record.length, length == part.size { return progress(length) }
        let start = record == nil ? 0 : part.size
        var request = Curl.Request(address: file.address)
        if let validator = record?.validator {
            request.fields = [("Range", "bytes=\(start)-"), ("If-Range", validator)]
        }
        let (head, body) = try client.ask(request)
        if head.status == 416, start > 0 {
            part.discard()
            let total = head.unsatisfiedTotal.map { "it has \($0) bytes" } ?? "it has fewer bytes"
            throw PassingFault("the server says now that \(total), and \(start) came; begun again")
        }
        try client.check(head, of: file.address)
        try checkKind(head)
        let (offset, total) = try place(head, record, start)
        try checkRoom(for: total.map { $0 - offset })
        try receive(body, from: offset, total: total)
    }

    /// Where the bytes of an answer belong, and how many there are in all.
    private func place(_ head: ResponseHead, _ record: PartFile.Record?, _ start: Int) throws -> (Int, total: Int?) {
        if head.status == 206, let record {
            let isSame = head.validator.map { $0 == record.validator } ?? true
            guard isSame, let range = head.range, range.start == start, range.total ?? record.length == record.length
            else {
                part.discard()
                throw PassingFault("the file has changed since its first \(start) bytes came; begun again")
            }
            return (start, record.length)
        }
        guard head.status == 200 else { throw PassingFault("the server sends a part that nobody asked for") }
        let total = head.length
        if let total, let said = file.bytes, total != said {
            throw FetchError(
                "\(file.name): the server has \(total) bytes, and its list says \(said): it changes just now, or is not the "
                    + "file; try again later")
        }
        guard total ?? 0 <= file.most else {
            throw FetchError("\(file.name): \(total ?? 0) bytes are more than it can have")
        }
        part.discard()
        try part.write(
            PartFile.Record(address: file.address.description, length: total ?? file.bytes, validator: head.validator))
        return (0, total ?? file.bytes)
    }

    private func receive(_ body: Curl, from offset: Int, total: Int?) throws {
        let output = try OutputFile(part.path)
        try output.truncate(to: offset)
        try output.seek(to: offset)
        var (size, first) = (offset, [UInt8]())
        func write(_ bytes: [UInt8]) throws {
            size += bytes.count
            guard size <= total ?? file.most else {
                part.discard()
                throw PassingFault("more bytes come than the \(total ?? file.most) that were said; begun again")
            }
            try output.write(bytes)
            progress(size)
        }
        do {
            while let bytes = try body.next() {
                guard size == 0 else {
                    try write(bytes)
                    continue
                }
                first += bytes
                guard first.count >= Self.beginning else { continue }
                try check(first)
                try write(first)
            }
            if size == 0, !first.isEmpty {
                try check(first)
                try write(first)
            }
            guard size > 0 else { throw FetchError("\(file.name): the server sends an empty file") }
        } catch {
            // Nothing is kept of what is no such file.
            if error is FetchError { part.discard() } else { try output.synchronize() }
            throw error
        }
        try output.synchronize()
        try output.close()
        if let total, size < total { throw PassingFault("\(size) of \(total) bytes came") }
    }

    // MARK: checks

    private func checkKind(_ head: ResponseHead) throws {
        guard !head.isWebPage else { throw webPage }
    }

    private func check(_ beginning: [UInt8]) throws {
        let what = beginning.withUnsafeBytes { bytes in
            Checkpoint.isWebPage(beginning: bytes)
                ? "" : file.kind == .weights ? Checkpoint.problem(beginning: bytes) : nil
        }
        guard let what else { return }
        throw what.isEmpty ? webPage : FetchError("\(file.name), of \(file.address), \(what)")
    }

    private var webPage: FetchError {
        FetchError(
            "\(file.name): \(file.address) is a web page, and the file is expected: is the address right, and does a proxy or "
                + "a page for signing in stand between?")
    }

    private func checkRoom(for bytes: Int?) throws {
        let folder = URL(fileURLWithPath: part.target).deletingLastPathComponent().path
        guard let bytes, let free = DiskSpace.of(folder)?.free, bytes > free else { return }
        throw FetchError(
            "\(file.name) needs \(bytes) bytes, and \(folder) has room for \(free): make room, and give the same command"
        )
    }

    private func checkDigest() throws {
        guard let wanted = file.sha256 else { return }
        let found = try Self.sha256(part.path)
        guard found != wanted else { return }
        part.discard()
        throw FetchError(
            "\(file.name): its SHA-256 is \(found), and its list says \(wanted); it was thrown away. Give the same command "
                + "again; if it stays so, something on the way changes it")
    }

    static func sha256(_ path: String) throws -> String {
        let stream = Digest.SHA256Stream()
        try InputFile(path).forEachPiece(of: 8 << 20) { piece in piece.withUnsafeBytes { stream.update($0) } }
        return stream.finish()
    }
}
