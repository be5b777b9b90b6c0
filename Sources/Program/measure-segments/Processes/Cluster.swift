import ClusterClient
import Foundation
import MeasurementSupport
import SongFiles
import SongPlan
import ZeroMQTransport

/// A coordinator and workers of one thread each, with one song.
final class Cluster {
    let coordinator: Child
    private(set) var workers: [Child] = []
    private let client: ClusterClient
    /// Workers that this program killed itself.
    private var killed: Set<pid_t> = []
    private static let song = "song"

    /// Starts them, and waits until all workers are there.
    init(workers count: Int) throws {
        let place = try Running.folder().appendingPathComponent("cluster-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let file = place.appendingPathComponent("endpoint").path
        let coordinator = try Child.start(
            "coordinator",
            [
                "coordinator", "--listen", "tcp://127.0.0.1:0", "--endpoint-file", file, "--threads", "1", "--state",
                place.appendingPathComponent("state").path,
            ], service: true)
        try Self.wait("the coordinator", for: [coordinator]) { FileManager.default.fileExists(atPath: file) }
        let endpoint = try String(contentsOfFile: file, encoding: .utf8)
        let transport = try ZeroMQClient(connect: endpoint, security: .open, context: ZeroMQContext())
        let client = ClusterClient(
            ClientConnection(transport: transport, place: endpoint, status: { transport.status }))
        (self.coordinator, self.client) = (coordinator, client)
        for number in 0..<count {
            workers.append(
                try Child.start(
                    "worker", ["worker", "--connect", endpoint, "--threads", "1", "--name", "w\(number + 1)"],
                    service: true))
        }
        try Self.wait("the workers", for: [coordinator] + workers) { try client.status().workers.count == count }
    }

    private static func wait(_ what: String, for children: [Child], until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try !condition() {
            for child in children where child.ending != nil { throw child.failure }
            guard ContinuousClock.now < deadline else { throw MeasurementError("waited 120 s in vain for \(what)") }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    func submit(_ specification: SongSpecification) throws {
        _ = try client.submit(
            SongRequest(specification: specification, format: "wav"), song: Self.song)
    }

    /// How far the song is.
    ///
    /// - Throws: `MeasurementError` when it failed, or when a process ended that should not.
    func progress() throws -> SongProgress {
        for child in [coordinator] + workers where !killed.contains(child.pid) && child.ending != nil {
            throw child.failure
        }
        guard let song = try client.status(song: Self.song).songs.first else {
            throw MeasurementError("the coordinator has lost the song")
        }
        guard ![.failed, .cancelled].contains(song.state) else {
            throw MeasurementError("the song is \(song.state): \(song.reason)")
        }
        return song
    }

    /// Kills a worker as a power failure would.
    func kill(worker number: Int) {
        killed.insert(workers[number].pid)
        workers[number].end()
    }

    func fetch(into folder: URL) throws { _ = try client.fetch(song: Self.song, into: folder) }

    func end() {
        client.close()
        for child in [coordinator] + workers { child.end() }
    }
}
