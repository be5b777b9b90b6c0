import ClusterClient
import Foundation
import SongFiles
import SystemErrors

/// Samples songs on a cluster of processes while faults happen to it, and compares them with an undisturbed one.
package final class ChaosRun {
    let settings: ChaosSettings
    let view: ChaosView
    let clock = RunClock()
    var report: ChaosReport
    private var undisturbed = Data()
    private var cluster: ChaosCluster?

    package init(_ settings: ChaosSettings, view: ChaosView) {
        (self.settings, self.view) = (settings, view)
        report = ChaosReport(
            seed: settings.seed, workers: settings.workers, leaseSeconds: settings.lease,
            network: settings.network.rawValue)
        report.leftOut = settings.leftOut
    }

    /// - Throws: `ChaosError` when the run itself cannot be done, and what `view.check` throws. All processes have ended in
    ///   any case.
    package func run() throws -> ChaosReport {
        defer { cluster?.close() }
        try sampleUndisturbed()
        let count = settings.workers + (settings.kinds.contains(.crashingMachine) ? 1 : 0)
        let cluster = try ChaosCluster(settings, count: count)
        self.cluster = cluster
        report.network = cluster.network.name
        try cluster.startCoordinator()
        let client = try cluster.makeClient()
        defer { client.close() }
        _ = try patiently("the coordinator", 60) { try? client.status(patience: .seconds(1)) }
        let watcher = Watcher(try cluster.makeClient(), clock)
        defer { watcher.close() }
        try StandingFaults.plant(settings, in: cluster)
        for worker in cluster.workers.indices { try cluster.startWorker(worker) }
        // What crashes at every start may never be seen.
        _ = try patiently("the workers", 120) {
            (watcher.status?.workers.count ?? 0) >= settings.workers ? true : nil
        }
        var songs = SongSeries(run: self, cluster: cluster, client: client, watcher: watcher)
        try songs.run()
        report.seconds = clock.seconds
        report.longestPauseSeconds = watcher.meter.longest
        checkJournal(cluster)
        return report
    }

    /// Waits for something that must come soon.
    func patiently<Value>(_ what: String, _ limit: Double, _ body: () throws -> Value?) throws -> Value {
        let deadline = clock.seconds + limit
        while clock.seconds < deadline {
            if let value = try body() { return value }
            if let end = cluster?.unexpectedEnd { throw ChaosError(end) }
            try view.check()
            usleep(30_000)
        }
        throw ChaosError("waited \(Int(limit)) s in vain for \(what)")
    }

    // MARK: the oracle

    private func sampleUndisturbed() throws {
        view.log("samples the song undisturbed, in one process")
        let folder = settings.place.appendingPathComponent("undisturbed")
        let log = settings.place.appendingPathComponent("undisturbed.log").path
        let process = try OwnProcess(
            "undisturbed", ["sample", "--out", folder.path, "--profile", settings.profile] + settings.songOptions,
            log: log)
        while process.ending == nil {
            do { try view.check() } catch {
                process.kill()
                throw error
            }
            usleep(30_000)
        }
        guard process.ending == 0 else {
            throw ChaosError("the undisturbed song cannot be sampled:\n\(process.logged.suffix(1500))")
        }
        undisturbed = try Data(contentsOf: SongFolderLayout(folder).codes)
        report.digests = Self.digests(folder)
    }

    static func digests(_ folder: URL) -> [String: String] {
        struct Description: Decodable { var digests: [String: String]? }
        let data = FileManager.default.contents(atPath: folder.appendingPathComponent("song.json").path) ?? Data()
        return (try? JSONDecoder().decode(Description.self, from: data))?.digests ?? [:]
    }

    /// Whether a song that was fetched has the undisturbed one's codes, byte by byte.
    func isIdentical(_ folder: URL) -> Bool {
        (try? Data(contentsOf: SongFolderLayout(folder).codes)) == undisturbed
    }

    private func checkJournal(_ cluster: ChaosCluster) {
        for worker in cluster.workers.indices { cluster.kill(worker) }
        cluster.killCoordinator()
        let (code, said) = Tool.runOwn(["journal", "check", "--state", cluster.state])
        report.journalIsWell = code == 0
        if code != 0 { report.problems.append("orchestrion journal check: \(said)") }
    }
}
