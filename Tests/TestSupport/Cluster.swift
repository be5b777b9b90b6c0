import Foundation
import Synchronization
import ZeroMQTransport

/// A coordinator and workers as processes of their own, over TCP on this machine.
package final class Cluster: Sendable {
    package struct Options: Sendable {
        /// Models that the coordinator is started with.
        package var models: [String]
        /// Seconds of a lease; short, so that faults are noticed soon.
        package var lease: Double
        /// More options of the coordinator.
        package var coordinator: [String]
        /// Key files by which workers and clients know the coordinator and are known; none by default.
        package var keys: (own: String, server: String)?
        /// A journal that the coordinator finds; none by default.
        package var journal: String?
        /// What a shell does before it becomes the coordinator, such as `ulimit -n 1024`.
        package var shell: String?

        package init(
            models: [String], lease: Double = 1, coordinator: [String] = [],
            keys: (own: String, server: String)? = nil, journal: String? = nil, shell: String? = nil
        ) {
            self.shell = shell
            self.journal = journal
            self.models = models
            self.lease = lease
            self.coordinator = coordinator
            self.keys = keys
        }
    }

    private struct State {
        var endpoint = "tcp://127.0.0.1:0"
        var coordinators: [ChildProcess] = []
        var workers: [ChildProcess] = []
        var probe: Probe?
    }

    package let folder: String
    /// The coordinator's `--state`.
    package let stateFolder: String
    private let options: Options
    private let state = Mutex(State())

    init(options: Options) throws {
        self.options = options
        folder = try TestFolder.make("cluster")
        stateFolder = "\(folder)/state"
        try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: true)
        if let journal = options.journal {
            try FileManager.default.copyItem(atPath: journal, toPath: stateFolder + "/journal.sqlite")
        }
    }

    package var endpoint: String { state.withLock(\.endpoint) }

    /// How to reach the coordinator, with the cluster's own key if there are keys.
    package var connection: [String] {
        ["--connect", endpoint] + (options.keys.map { ["--server-key", $0.server, "--key", $0.own] } ?? [])
    }

    // MARK: processes

    /// Starts the coordinator; again on the same port and state.
    ///
    /// - Parameter other: options instead of those that the cluster was made with.
    package func startCoordinator(_ other: [String]? = nil) async throws {
        let file = "\(folder)/endpoint"
        let deadline = ContinuousClock.now + patience
        while true {
            try? FileManager.default.removeItem(atPath: file)
            let process = try spawn(
                "coordinator-\(state.withLock { $0.coordinators.count })",
                ["coordinator", "--listen", endpoint, "--endpoint-file", file, "--state", stateFolder]
                    + ["--lease", "\(options.lease)", "--threads", "1"]
                    + options.models.flatMap { ["--model", $0] } + (other ?? options.coordinator), shell: options.shell)
            state.withLock { $0.coordinators.append(process) }
            try await wait(for: "the coordinator to listen") {
                !process.isRunning || FileManager.default.fileExists(atPath: file)
            }
            if process.isRunning {
                let endpoint = try String(contentsOfFile: file, encoding: .utf8)
                let probe = try makeProbe(endpoint)
                return state.withLock { ($0.endpoint, $0.probe) = (endpoint, probe) }
            }
            // Another process of this machine may have taken the port for a moment.
            guard process.errorOutput.contains("in use"), ContinuousClock.now < deadline else {
                throw TestSupportError("the coordinator did not start: \(process.errorOutput)")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func makeProbe(_ endpoint: String) throws -> Probe {
        guard let keys = options.keys else { return try Probe(endpoint: endpoint, security: .open) }
        let (own, server) = try (KeyFile.readPair(keys.own), KeyFile.readPublicKey(keys.server))
        return try Probe(endpoint: endpoint, security: .curve(own, server: server))
    }

    @discardableResult
    package func startWorker(
        _ name: String, model: String? = nil, options more: [String] = [], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let threads = more.contains("--threads") ? [] : ["--threads", "1"]
        let process = try spawn(
            name, ["worker", "--model", model ?? options.models[0], "--name", name] + threads + connection + more,
            environment: environment)
        state.withLock { $0.workers.append(process) }
        return process
    }

    private func spawn(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], shell: String? = nil
    ) throws -> ChildProcess {
        let (executable, before) =
            shell.map { ("/bin/sh", ["-c", "\($0); exec \"$@\"", "sh", Orchestrion.path]) } ?? (Orchestrion.path, [])
        return try ChildProcess(
            name: name, executable: executable, arguments: before + arguments, environment: environment,
            folder: folder, logs: folder)
    }

    /// The one that runs, or ran last.
    package func coordinator() throws -> ChildProcess {
        guard let last = state.withLock({ $0.coordinators.last }) else {
            throw TestSupportError("no coordinator was started")
        }
        return last
    }

    package func worker(_ name: String) throws -> ChildProcess {
        guard let worker = state.withLock({ $0.workers.last { $0.name == name } }) else {
            throw TestSupportError("no worker \(name) was started")
        }
        return worker
    }

    /// The standard error of all coordinators, in the order of their starts.
    package var log: String { state.withLock(\.coordinators).map(\.errorOutput).joined() }

    /// Identities of workers that the coordinator gave up with work in their hands.
    package var lostWorkers: Set<Substring> {
        Set(
            log.split(separator: "\n").compactMap { line in
                line.firstMatch(
                    of: /was taken back from (.+): the worker (?:could not be reached|was silent for too long)/)?.1
            })
    }

    /// Tasks that were taken back, one for each lease that ended so.
    package var tasksTakenBack: [Substring] {
        log.split(separator: "\n").filter { $0.contains("the worker was silent for too long") }.compactMap { line in
            line.range(of: " (epoch").map { line[..<$0.lowerBound].dropFirst(10) }
        }
    }

    func stopAll() {
        let all = state.withLock { $0.workers + $0.coordinators }
        for process in all { process.kill() }
        state.withLock { $0.probe = nil }
    }

    /// The last lines of every process's log.
    var report: String {
        state.withLock { $0.coordinators + $0.workers }.map { process in
            let lines = (process.output + process.errorOutput).split(separator: "\n").suffix(15)
            let ending = process.ending.map { " (\($0))" } ?? ""
            return "--- \(process.name)\(ending)\n\(lines.joined(separator: "\n"))"
        }.joined(separator: "\n")
    }

    // MARK: commands

    /// Runs a client's command against the coordinator.
    package func command(_ name: String, _ arguments: [String]) async throws -> Orchestrion.Result {
        try await Orchestrion.run([name] + connection + arguments)
    }

    /// - Returns: the song's id.
    @discardableResult
    package func submit(_ song: TestSong, id: String) async throws -> String {
        try await Orchestrion.succeed(["submit", "--id", id] + connection + song.options)
        return id
    }

    package func status() async throws -> ClusterStatus {
        guard let probe = state.withLock(\.probe) else { throw TestSupportError("there is no coordinator") }
        return try await probe.status()
    }

    package func status(of song: String) async throws -> ClusterStatus.Song {
        guard let status = try await status().songs.first(where: { $0.song == song }) else {
            throw TestSupportError("the coordinator has no song \(song)")
        }
        return status
    }

    /// Waits until at least so many tokens are sampled.
    ///
    /// - Throws: when the song ends before.
    @discardableResult
    package func waitUntilSampled(_ tokens: Int, of song: String) async throws -> ClusterStatus.Song {
        let now = try await progress(of: song, limit: patience) { $0.sampledTokens >= tokens || $0.hasEnded }
        guard now.state == "sampling" else {
            throw TestSupportError("\(song) is \(now.state) \(now.reason), not sampling at \(tokens) tokens")
        }
        return now
    }

    /// Waits for its end.
    package func waitUntilEnded(_ song: String) async throws -> ClusterStatus.Song {
        try await progress(of: song, limit: .seconds(300), until: \.hasEnded)
    }

    private func progress(
        of song: String, limit: Duration, until condition: (ClusterStatus.Song) -> Bool
    ) async throws -> ClusterStatus.Song {
        var last = try await status(of: song)
        try await wait(for: "\(song)", limit: limit, interval: .milliseconds(5)) {
            last = try await status(of: song)
            return condition(last)
        }
        return last
    }

    /// Waits until the song has finished, and fetches it.
    package func result(of song: String) async throws -> SongResult {
        let last = try await waitUntilEnded(song)
        guard last.state == "finished" else { throw TestSupportError("\(song) is \(last.state): \(last.reason)") }
        let out = try TestFolder.place(song)
        try await Orchestrion.succeed(["fetch", song, "--out", out] + connection)
        return try SongResult(folder: out)
    }
}

/// Runs `body` with a coordinator; kills everything afterwards. When `body` throws, the logs are printed and kept.
package func withCluster(_ options: Cluster.Options, _ body: (Cluster) async throws -> Void) async throws {
    let cluster = try Cluster(options: options)
    do {
        try await cluster.startCoordinator()
        try await body(cluster)
        cluster.stopAll()
    } catch {
        cluster.stopAll()
        let report = cluster.report
        print("\(error)\n\(report)\n--- all of it is in \(TestFolder.keep(cluster.folder))")
        throw error
    }
}
