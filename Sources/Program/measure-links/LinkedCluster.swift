import Chaos
import ClusterClient
import Foundation
import MeasurementSupport
import SongFiles
import SongPlan
import ZeroMQTransport

/// A coordinator, and workers each behind a link of their own.
final class LinkedCluster {
    /// What one song took.
    struct Song: Sendable {
        /// From its submission to its last token.
        var seconds: Double
        /// Of its codes.
        var digest: String
    }

    private let coordinator: Child
    private var workers: [Child] = []
    private let proxies: [ChaosProxy]
    private let links: [Link]
    private let client: ClusterClient
    private let folder: URL
    private static let song = "song"

    /// Starts them, and waits until all workers are there.
    init(_ links: [Link], threads: Int) throws {
        folder = try Running.folder().appendingPathComponent("links-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("endpoint").path
        let coordinator = try Child.start(
            "coordinator",
            [
                "coordinator", "--listen", "tcp://127.0.0.1:0", "--endpoint-file", file, "--threads", "1", "--state",
                folder.appendingPathComponent("state").path,
            ], service: true)
        try Self.wait("the coordinator", for: [coordinator]) { FileManager.default.fileExists(atPath: file) }
        let endpoint = try String(contentsOfFile: file, encoding: .utf8)
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw MeasurementError("\(endpoint) has no port")
        }
        let transport = try ZeroMQClient(connect: endpoint, security: .open, context: ZeroMQContext())
        let client = ClusterClient(
            ClientConnection(transport: transport, place: endpoint, status: { transport.status }))
        (self.coordinator, self.client, self.links) = (coordinator, client, links)
        proxies = try links.enumerated().map { try ChaosProxy(to: port, seed: UInt64($0.offset + 1)) }
        for (number, proxy) in proxies.enumerated() {
            proxy.condition = links[number].condition
            workers.append(
                try Child.start(
                    "worker",
                    [
                        "worker", "--connect", "tcp://127.0.0.1:\(proxy.port)", "--threads", "\(threads)", "--name",
                        "w\(number + 1)-\(links[number].name)",
                    ], service: true))
        }
        try Self.wait("the workers", for: [coordinator] + workers) {
            try client.status().workers.count == links.count
        }
    }

    private static func wait(_ what: String, for children: [Child], until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try !condition() {
            for child in children where child.ending != nil { throw child.failure }
            guard ContinuousClock.now < deadline else { throw MeasurementError("waited 120 s in vain for \(what)") }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    /// Samples the song.
    func sample(_ specification: SongSpecification, _ progress: MeasurementProgress) throws -> Song {
        let begin = ContinuousClock.now
        var cuts = 0.0
        _ = try client.submit(SongRequest(specification: specification, format: "wav"), song: Self.song)
        while true {
            for child in [coordinator] + workers where child.ending != nil { throw child.failure }
            guard let song = try client.status(song: Self.song).songs.first else {
                throw MeasurementError("the coordinator has lost the song")
            }
            let seconds = begin.duration(to: .now) / .seconds(1)
            if song.state == .decoding || song.state == .finished {
                return Song(seconds: seconds, digest: try codes())
            }
            guard !song.state.isEnded else { throw MeasurementError("the song is \(song.state): \(song.reason)") }
            progress.update(song.share)
            for (proxy, link) in zip(proxies, links) {
                guard let every = link.cuts, seconds - cuts >= every else { continue }
                cuts = seconds
                proxy.cut()
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private func codes() throws -> String {
        while try client.status(song: Self.song).songs.first?.state != .finished {
            for child in [coordinator] + workers where child.ending != nil { throw child.failure }
            Thread.sleep(forTimeInterval: 0.05)
        }
        let name = "codes.safetensors"
        _ = try client.fetch(song: Self.song, into: folder) { $0 == name }
        return try FileDigest.sha256(folder.appendingPathComponent(name).path)
    }

    func end() {
        client.close()
        for child in [coordinator] + workers { child.end() }
        for proxy in proxies { proxy.close() }
    }
}
