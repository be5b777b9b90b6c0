import Foundation
import Synchronization
package import TestSupport
import ZeroMQTransport

/// A coordinator whose disk fails, a worker, and one song, as processes; the coordinator may be started again.
package final class CoordinatorRun: Sendable {
    package let folder: String
    package var state: String { "\(folder)/state" }
    private let song: TestSong
    private let port: Int
    private let processes = Mutex<(all: [ChildProcess], starts: Int)>(([], 0))
    private let probe: Probe

    package init(_ song: TestSong) throws {
        self.song = song
        folder = try TestFolder.make("run")
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
        port = try Self.freePort()
        probe = try Probe(endpoint: "tcp://127.0.0.1:\(port)", security: .open)
    }

    private var endpoint: String { "tcp://127.0.0.1:\(port)" }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            guard bind(descriptor, pointer, length) == 0 else { return -1 }
            return getsockname(descriptor, pointer, &length)
        }
        guard result == 0 else { throw TestSupportError("no free port was found") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Starts a coordinator on the same state and port.
    package func startCoordinator(_ shim: DiskShim?, options: [String] = []) throws -> ChildProcess {
        let number = processes.withLock { processes in
            processes.starts += 1
            return processes.starts
        }
        return try spawn(
            "coordinator-\(number)",
            ["coordinator", "--listen", endpoint, "--state", state, "--lease", "1", "--threads", "1"]
                + ["--model", song.model] + options, environment: shim?.environment() ?? [:])
    }

    package func startWorker() throws {
        _ = try spawn(
            "worker", ["worker", "--model", song.model, "--threads", "1", "--name", "w", "--connect", endpoint])
    }

    private func spawn(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let process = try ChildProcess(
            name: name, executable: Orchestrion.path, arguments: arguments, environment: environment, folder: folder,
            logs: folder)
        processes.withLock { $0.all.append(process) }
        return process
    }

    /// Submits the song, again and again until somebody takes it on: whoever answers may die before.
    package func submit() async throws {
        while true {
            let result = try await Orchestrion.run(["submit", "--id", "s", "--connect", endpoint] + song.options)
            if result.succeeded { return }
            try Task.checkCancellation()
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// - Returns: nil where nobody answers for a moment.
    package func status() async -> ClusterStatus? { try? await probe.status(limit: .milliseconds(500)) }

    /// Looks until the song has ended, or the coordinator.
    ///
    /// - Returns: whether the song has.
    package func waitForEnd(_ coordinator: ChildProcess, limit: Duration = .seconds(120)) async throws -> Bool {
        var ended = false
        try await wait(for: "the song's end", limit: limit, interval: .milliseconds(5)) {
            if !coordinator.isRunning { return true }
            guard let now = await status()?.songs.first else { return false }
            if now.state == "failed" { throw TestSupportError("the song failed: \(now.reason)") }
            ended = now.state == "finished"
            return ended
        }
        return ended
    }

    /// Waits until a worker has the song in hand, or it has ended.
    package func waitForWork(_ coordinator: ChildProcess) async throws {
        try await wait(for: "work to be taken", limit: .seconds(60), interval: .milliseconds(5)) {
            guard coordinator.isRunning else {
                throw TestSupportError("the coordinator ended: \(coordinator.errorOutput)")
            }
            guard let now = await status() else { return false }
            return now.workers.contains { $0.busy > 0 } || now.songs.first?.hasEnded == true
        }
    }

    package func result() throws -> SongResult { try SongResult(folder: "\(state)/songs/s") }

    /// Ends all, and removes what they wrote unless it is wanted.
    package func end(keep: Bool = false) -> String? {
        for process in processes.withLock(\.all).reversed() { process.kill() }
        probe.close()
        if keep { return TestFolder.keep(folder) }
        try? FileManager.default.removeItem(atPath: folder)
        return nil
    }
}
