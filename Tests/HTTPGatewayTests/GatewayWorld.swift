import ClusterClient
import ClusterProtocol
import ClusterTestSupport
import Foundation
import HTTPGateway
import ModelTestSupport
import SongFiles
import SongPlan
import Synchronization

/// A gateway over a coordinator that answers as a test says, without sockets.
final class GatewayWorld {
    let coordinator: ScriptedCoordinator
    let gateway: Gateway
    private let folder: TemporaryFolder
    private let cluster: ClusterAccess

    init(
        doors: Doorkeeping = .loopback, mostListeners: Int = 100,
        _ answer: @escaping @Sendable (WireClientRequest.OneOf_Kind, inout WireClientReply) -> Void = { _, _ in }
    ) throws {
        coordinator = ScriptedCoordinator(answer)
        folder = try TemporaryFolder()
        let scripted = coordinator
        cluster = ClusterAccess { scripted.client() }
        var settings = Gateway.Settings(doors: doors)
        settings.mostListeners = mostListeners
        gateway = try Gateway(cluster: cluster, tools: ScriptedTools(), folder: folder.url, settings: settings)
    }

    deinit {
        cluster.close()
        coordinator.stop()
    }

    /// What the coordinator was asked to make.
    var submissions: [WireSubmit] {
        coordinator.requests.compactMap { if case .submit(let submit) = $0 { submit } else { nil } }
    }

    /// - Parameter json: the body.
    func ask(
        _ method: String, _ target: String, fields: HTTPFields = [:], json: String? = nil, body: [UInt8]? = nil
    ) async -> HTTPResponse {
        var fields = fields
        if fields["Host"] == nil { fields["Host"] = "localhost:8080" }
        if json != nil, fields["Content-Type"] == nil { fields["Content-Type"] = "application/json" }
        let bytes = body ?? json.map { Array($0.utf8) }
        let pieces = Mutex(bytes.map { [$0] } ?? [])
        return await gateway.answer(
            HTTPRequest(
                method: method, target: target, fields: fields,
                body: HTTPBody(length: bytes?.count ?? 0) {
                    pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                }))
    }
}

/// What a test sees of a response.
extension HTTPResponse {
    /// All of the body.
    func bytes() async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(_, let write):
            let sink = Sink()
            try await write(HTTPWriter { sink.add($0) })
            return sink.bytes
        }
    }

    func text() async throws -> String { String(decoding: try await bytes(), as: UTF8.self) }

    func object() async throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(try await bytes()))
        guard let object = value as? [String: Any] else {
            throw FixtureError(description: "the body is no JSON object")
        }
        return object
    }

    /// Of a problem.
    func detail() async throws -> String { try await object()["detail"] as? String ?? "" }
}

/// Collects what is written, from any task.
final class Sink: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }
    func add(_ bytes: [UInt8]) { state.withLock { $0 += bytes } }
}

/// Tools whose results a test knows.
struct ScriptedTools: SongTools {
    func plan(_ request: SongRequest, workers: String) throws -> [UInt8] {
        guard workers != "0" else { throw FixtureError(description: "workers: 0 is none") }
        return Array("{\"model\":\"\(request.specification.model)\"}".utf8)
    }

    func picture(of folder: URL, level: Int?, sample: Int, out: URL) throws {
        try Data("picture of \(sample)".utf8).write(to: out)
    }

    func lyricTimes(of folder: URL, sample: Int) throws -> SungLyrics {
        SungLyrics(
            lines: [
                .init(text: "sun & sea", begin: 0, end: 1.5), .init(text: "not reached", begin: 2, end: 2),
                .init(text: "sky", begin: 61.25, end: 3661.005),
            ], characters: [.init(text: "s", begin: 0, end: 0.5)])
    }

    func seams(of folder: URL, level: Int?, sample: Int) throws -> [UInt8] {
        Array("{\"level\":0,\"sample\":\(sample),\"report\":{}}".utf8)
    }

    func convert(_ audio: URL, to format: String, out: URL) throws {
        try Data("\(format) of \(audio.lastPathComponent)".utf8).write(to: out)
    }
}
