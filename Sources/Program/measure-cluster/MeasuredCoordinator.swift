import ClusterClient
import Foundation
import MeasurementSupport
import SongFiles
import SongPlan
import ZeroMQTransport

/// A coordinator with keys, which may be killed and started again at the same place.
final class MeasuredCoordinator {
    let folder: URL
    let key: CurveKeyPair
    private(set) var endpoint = "tcp://127.0.0.1:0"
    private(set) var child: Child
    private let own: CurveKeyPair
    private static let model = SongSpecification.usualModel

    /// - Parameter keys: of workers.
    init(keys: [CurveKeyPair], options: [String] = []) throws {
        folder = try Running.folder().appendingPathComponent("coordinator")
        let state = folder.appendingPathComponent("state").path
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        (key, own) = (try .generate(), try .generate())
        try KeyFile.writeNew(key, to: folder.appendingPathComponent("key").path)
        let lines = ["\(own.publicKey) role=admin"] + keys.map { "\($0.publicKey) role=worker" }
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: folder.appendingPathComponent("allowed").path, atomically: true, encoding: .utf8)
        self.options = options
        child = try Self.start(folder, endpoint, options)
        endpoint = try Self.wait(for: child, folder)
    }

    private let options: [String]

    private static func start(_ folder: URL, _ endpoint: String, _ options: [String]) throws -> Child {
        let file = folder.appendingPathComponent("endpoint").path
        try? FileManager.default.removeItem(atPath: file)
        return try Child.start(
            "coordinator",
            [
                "coordinator", "--listen", endpoint, "--endpoint-file", file, "--threads", "1", "--secure", "--state",
                folder.appendingPathComponent("state").path, "--key", folder.appendingPathComponent("key").path,
                "--allow", folder.appendingPathComponent("allowed").path, "--model", model, "--verify-share", "0",
            ] + options, service: true)
    }

    private static func wait(for child: Child, _ folder: URL) throws -> String {
        let file = folder.appendingPathComponent("endpoint").path
        while true {
            if let text = try? String(contentsOfFile: file, encoding: .utf8), !text.isEmpty { return text }
            if child.ending != nil { throw child.failure }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }

    func kill() { child.end() }

    /// Starts it again, where it was.
    func restart() throws { child = try Self.start(folder, endpoint, options) }

    /// - Throws: `MeasurementError` when it has ended.
    func mustRun() throws { if child.ending != nil { throw child.failure } }

    func client() throws -> ClusterClient {
        let transport = try ZeroMQClient(
            connect: endpoint, security: .curve(own, server: key.publicKey), context: ZeroMQContext())
        return ClusterClient(
            ClientConnection(transport: transport, place: endpoint, status: { transport.status }))
    }

    /// What its workers say of the model.
    func kind() throws -> FakeWorker.Kind {
        struct Report: Decodable {
            struct Part: Decodable {
                var name: String
                var fingerprint: String?
            }
            var parts: [Part]
        }
        let printed = try Child.run(["model", "inspect", Self.model, "--json"])
        let parts = try JSONDecoder().decode(Report.self, from: printed).parts
        var fingerprints: [UInt32: String] = [:]
        for part in parts where part.name.hasPrefix("level ") {
            if let level = UInt32(part.name.dropFirst("level ".count)) { fingerprints[level] = part.fingerprint }
        }
        return FakeWorker.Kind(model: Self.model, fingerprints: fingerprints)
    }

    /// Songs of the top level only.
    func submit(_ count: Int, seconds: Double, _ progress: MeasurementProgress) throws {
        let client = try client()
        defer { client.close() }
        for number in 0..<count {
            let specification = SongSpecification(
                model: Self.model, seconds: seconds, samples: [SampleSpecification(genre: "waltz")],
                seed: UInt64(number), stopAt: 2)
            _ = try client.submit(
                SongRequest(specification: specification, format: "wav"), song: "song-\(number)", uploads: false)
            progress.update(Double(number) / Double(count))
        }
    }

    /// Files and sockets that it has open.
    var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/fd").count) ?? 0
    }

    /// How many it may have open.
    var descriptorLimit: Int {
        let text = (try? String(contentsOfFile: "/proc/\(child.pid)/limits", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line.flatMap { $0.split(separator: " ").compactMap { Int($0) }.first } ?? 0
    }
}
