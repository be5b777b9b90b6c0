import ClusterProtocol
import ClusterTestSupport
import Digest
import Foundation
import HTTPGateway
import SongFiles
import Synchronization
import Testing

@Suite("Uploads over HTTP")
struct UploadTests {
    /// A coordinator that keeps what comes.
    private final class Store: Sendable {
        private let kept = Mutex<[String: [UInt8]]>([:])
        func bytes(_ digest: String) -> [UInt8] { kept.withLock { $0[digest] ?? [] } }
        func take(_ kind: WireClientRequest.OneOf_Kind, _ reply: inout WireClientReply) {
            guard case .upload(let upload) = kind else { return }
            kept.withLock { kept in
                var have = kept[upload.digest] ?? []
                if have.count == upload.offset { have += upload.data }
                kept[upload.digest] = have
                reply.uploaded.have = UInt64(have.count)
            }
        }
    }

    private static let file = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) }
    private static let digest = file.withUnsafeBytes { Digest.sha256($0) }

    @Test func `a file is sent whole, and its reference is what a song calls it`() async throws {
        let store = Store()
        let world = try GatewayWorld { store.take($0, &$1) }
        let response = await world.ask("POST", "/api/v1/uploads?name=my+take.FLAC", body: Self.file)
        #expect(response.status == .created)
        let object = try await response.object()
        #expect(object["digest"] as? String == Self.digest)
        #expect(object["reference"] as? String == "upload:\(Self.digest).flac|my take.FLAC")
        #expect(store.bytes(Self.digest) == Self.file)
    }

    @Test func `a file goes on where it broke off`() async throws {
        let store = Store()
        let world = try GatewayWorld { store.take($0, &$1) }
        let place = "/api/v1/uploads/\(Self.digest)?name=a.wav&size=\(Self.file.count)"
        let first = await world.ask("PUT", place, body: Array(Self.file.prefix(120_000)))
        #expect(first.status == .accepted)
        #expect(try await first.object()["reference"] == nil)
        let look = try await world.ask("GET", place).object()
        #expect(look["received"] as? Int == 120_000)
        // From another place there would be a hole.
        let wrong = await world.ask("PUT", "\(place)&offset=150000", body: Array(Self.file.suffix(50_000)))
        #expect(wrong.status == .conflict)
        #expect(try await wrong.detail().contains("offset=120000"))
        let rest = await world.ask("PUT", "\(place)&offset=120000", body: Array(Self.file.suffix(80_000)))
        #expect(rest.status == .created)
        #expect(try await rest.object()["reference"] as? String == "upload:\(Self.digest).wav|a.wav")
        #expect(store.bytes(Self.digest) == Self.file)
    }

    @Test(arguments: [
        ("PUT", "/api/v1/uploads/x?size=3", HTTPStatus.notFound),
        ("PUT", "/api/v1/uploads/..%2f..%2fa?size=3", .notFound),
        ("POST", "/api/v1/uploads?name=..%2fa.wav", .badRequest), ("POST", "/api/v1/uploads?name=a%0Ab", .badRequest),
        ("POST", "/api/v1/uploads?name=", .badRequest), ("PUT", "/api/v1/uploads/\(digest)", .badRequest),
        ("PUT", "/api/v1/uploads/\(digest)?size=3", .contentTooLarge),
        ("PUT", "/api/v1/uploads/\(digest)?size=3000000000", .badRequest),
    ])
    func `what is no upload is refused before anybody is asked`(
        method: String, target: String, status: HTTPStatus
    ) async throws {
        let world = try GatewayWorld()
        #expect(await world.ask(method, target, body: [1, 2, 3, 4]).status == status)
        #expect(world.coordinator.requests.isEmpty)
    }
}
