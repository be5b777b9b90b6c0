import ClusterClient
import ClusterProtocol
import Digest
import Foundation
import SongFiles
import SystemErrors

/// Recordings and codes that songs are made of. They go on to the coordinator while they arrive.
struct UploadRoutes {
    let cluster: ClusterAccess
    /// Where files lie whose digest is not known until all of them is here.
    let spool: Spool

    static let path = "/api/v1/uploads"
    static let ofDigest = "/api/v1/uploads/{digest}"
    static let largest = 2 << 30

    var routes: [Route] {
        [
            Route("POST", Self.path, role: .editor, query: ["name"], answer: post),
            Route("PUT", Self.ofDigest, role: .editor, query: ["name", "size", "offset"], answer: put),
            Route("GET", Self.ofDigest, role: .editor, query: ["name", "size"], answer: look),
        ]
    }

    struct Document: Encodable {
        /// What `prompt` and `codes` of a song call the file; nil until all of it is here.
        var reference: String?
        /// SHA-256, in hexadecimal.
        var digest: String
        /// Bytes: in all, and that are here.
        var size: Int
        var received: Int
    }

    private func document(_ file: File, received: Int) -> Document {
        Document(
            reference: received == file.size
                ? UploadName.make(digest: file.digest, ending: file.ending, name: file.name) : nil,
            digest: file.digest, size: file.size, received: received)
    }

    private struct File: Sendable {
        var digest: String
        var size: Int
        var ending: String
        /// The client's own.
        var name: String
    }

    /// - Throws: `Problem` for a name that is none.
    private static func name(_ request: RouteRequest) throws -> (name: String, ending: String) {
        let name = request.query["name"] ?? "upload"
        guard (1...200).contains(name.utf8.count), PeerText.isClean(name), !name.contains("/"), !name.contains("|")
        else {
            throw Problem(.badRequest, "name must be a file's name without slashes, such as take.flac")
        }
        let dot = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
        return (name, UploadName.isValid(ending: dot) ? dot : "bin")
    }

    private static func file(_ request: RouteRequest) throws -> File {
        let digest = request.parameter("digest").lowercased()
        guard digest.utf8.count == 64,
            digest.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw Problem(.notFound, "an upload is called by the SHA-256 of the file, 64 hexadecimal digits")
        }
        let (name, ending) = try name(request)
        guard let size = try request.query.number("size", in: 1...largest) else {
            throw Problem(.badRequest, "size is missing: the bytes of the whole file")
        }
        return File(digest: digest, size: size, ending: ending, name: name)
    }

    /// How much of a file is here, so that a client goes on from there.
    @Sendable private func look(_ request: RouteRequest) async throws -> HTTPResponse {
        let file = try Self.file(request)
        return HTTPResponse(json: JSON.bytes(document(file, received: try await send([], of: file, at: 0))))
    }

    /// A file whose digest the client knows, from any place on: straight through.
    @Sendable private func put(_ request: RouteRequest) async throws -> HTTPResponse {
        let file = try Self.file(request)
        var offset = try request.query.number("offset", in: 0...Self.largest) ?? 0
        guard offset + (request.request.body.length ?? 0) <= file.size else {
            throw Problem(
                .contentTooLarge, "the body goes beyond size, \(file.size) bytes, from offset \(offset) on")
        }
        var pending: [UInt8] = []
        while let piece = try await request.request.body.next() {
            pending += piece
            guard offset + pending.count <= file.size else {
                throw Problem(.contentTooLarge, "the body goes beyond size, \(file.size) bytes")
            }
            while pending.count >= FilePiece.size {
                offset = try await pass(Array(pending.prefix(FilePiece.size)), of: file, at: offset)
                pending.removeFirst(FilePiece.size)
            }
        }
        if !pending.isEmpty || offset == file.size { offset = try await pass(pending, of: file, at: offset) }
        return answer(file, received: offset)
    }

    private func answer(_ file: File, received: Int) -> HTTPResponse {
        HTTPResponse(
            received == file.size ? .created : .accepted, json: JSON.bytes(document(file, received: received)),
            fields: ["Location": "\(Self.path)/\(file.digest)"])
    }

    /// - Returns: where the next piece begins.
    /// - Throws: `Problem` when the coordinator has less than what came before.
    private func pass(_ bytes: [UInt8], of file: File, at offset: Int) async throws -> Int {
        let have = try await send(bytes, of: file, at: offset)
        guard have >= offset + bytes.count else {
            throw Problem(
                .conflict, "there are \(have) bytes of the file here; go on with offset=\(have)")
        }
        return have == file.size ? max(offset + bytes.count, min(have, file.size)) : offset + bytes.count
    }

    private func send(_ bytes: [UInt8], of file: File, at offset: Int) async throws -> Int {
        let have = try await cluster.askSlowly {
            try $0.upload(
                digest: file.digest, ending: file.ending, size: UInt64(file.size), offset: UInt64(offset),
                data: Data(bytes))
        }
        return Int(clamping: have)
    }

    /// A file of which the client knows nothing: it is kept until its digest is known.
    @Sendable private func post(_ request: RouteRequest) async throws -> HTTPResponse {
        let (name, ending) = try Self.name(request)
        let spooled = try await spool.receive(request.request.body, limit: Self.largest)
        defer { spooled.discard() }
        guard spooled.size > 0 else { throw Problem(.badRequest, "the body is empty; it must be the file") }
        let file = File(digest: spooled.digest, size: spooled.size, ending: ending, name: name)
        var offset = 0
        while offset < file.size {
            let piece = try spooled.bytes(at: offset, count: min(FilePiece.size, file.size - offset))
            let have = try await send(piece, of: file, at: offset)
            guard have > offset || have == file.size else {
                throw Problem(.serviceUnavailable, "the coordinator does not take the file just now; try again later")
            }
            offset = have
        }
        return answer(file, received: file.size)
    }
}
