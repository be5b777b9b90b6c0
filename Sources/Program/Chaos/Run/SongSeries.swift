import ClusterClient
import Foundation
import SongFiles

/// The same song again and again on a cluster, while faults happen to it.
struct SongSeries {
    let chaos: ChaosRun
    let cluster: ChaosCluster
    private let client: ClusterClient
    let watcher: Watcher
    let injector: Injector
    let dutyCycle: DutyCycle?
    let begin: Double
    private var number = 0

    /// Songs that a fault from the start has for showing itself: a machine may get no window of one.
    private static let mostSongs = 20

    static func name(_ number: Int) -> String { "chaos-\(number)" }

    init(run: ChaosRun, cluster: ChaosCluster, client: ClusterClient, watcher: Watcher) {
        (chaos, self.cluster, self.client, self.watcher) = (run, cluster, client, watcher)
        let settings = run.settings
        injector = Injector(
            cluster, watcher, run.clock,
            schedule: Schedule(
                seed: settings.seed, settings: .init(kinds: settings.kinds, gap: settings.gap, lease: settings.lease)),
            log: run.view.log)
        dutyCycle = settings.kinds.contains(.straggler) ? DutyCycle() : nil
        begin = run.clock.seconds
    }

    var settings: ChaosSettings { chaos.settings }
    var now: Double { chaos.clock.seconds }
    var fired: Int { injector.records.count { !$0.fault.kind.isStanding } }

    /// Whether no more faults are to come.
    var isEnough: Bool {
        let hasMoments = settings.kinds.contains { !$0.isStanding }
        if let seconds = settings.seconds, now - begin >= seconds { return true }
        if !hasMoments { return settings.seconds == nil && (hasSeenStanding || number >= Self.mostSongs) }
        if let count = settings.count { return fired >= count }
        return settings.seconds == nil
    }

    /// - Throws: `ChaosError` when the cluster cannot be worked with, and what the view throws.
    mutating func run() throws {
        defer { dutyCycle?.close() }
        let before = settings.comparesTimes ? try sampleOne(withFaults: false) : nil
        for kind in FaultKind.allCases where settings.kinds.contains(kind) && kind.isStanding {
            injector.add(
                .init(
                    fault: .init(number: 0, kind: kind, victim: StandingFaults.victim(of: kind, settings), at: now),
                    victims: [], moment: 0))
        }
        var longest = 0.0
        repeat { longest = max(longest, try sampleOne(withFaults: true)) } while !isEnough
        if let before { chaos.report.makespan = .init(undisturbedSeconds: before, disturbedSeconds: longest) }
        chaos.report.tokens.drawn = cluster.drawn - drawnBefore
        chaos.report.faults = injector.records.map(\.fault)
        judgeStanding()
    }

    private var drawnBefore = 0

    // MARK: a song

    /// - Returns: seconds until all of its tokens were there.
    private mutating func sampleOne(withFaults: Bool) throws -> Double {
        number += 1
        let song = Self.name(number)
        try settle()
        let start = now
        _ = try client.submit(settings.request, song: song)
        var sampled: Double?
        var (wasParked, lastLook) = (false, now)
        var last: SongProgress?
        while true {
            try chaos.view.check()
            try injector.tick(mayFire: withFaults && !isEnough && last?.state == .sampling)
            if withFaults, let dutyCycle { dutyCycle.follow(cluster.engine(of: StandingFaults.straggler)) }
            noteSetAside()
            if let progress = watcher.song(song), progress != last { (last, lastLook) = (progress, now) }
            show(song, last)
            if let state = last?.state {
                if sampled == nil, state == .decoding || state == .finished { sampled = now - start }
                if state == .parked { try resume(song, &wasParked) }
                if state.isEnded { break }
            }
            if now - max(lastLook, injector.lastChange) > ChaosSettings.patience { break }
            usleep(20_000)
        }
        dutyCycle?.follow(nil)
        try end(song, last, wasParked: wasParked, seconds: now - start, counts: withFaults)
        return sampled ?? now - start
    }

    /// Requests wait for a coordinator that is at fault, so it must not be.
    private func settle() throws {
        _ = try chaos.patiently("the faults to end", 120) { () -> Bool? in
            try injector.tick(mayFire: false)
            return injector.isIdle ? true : nil
        }
    }

    /// A song that is parked goes on when what crashed its window is gone.
    private func resume(_ song: String, _ wasParked: inout Bool) throws {
        guard !wasParked else { return }
        wasParked = true
        if settings.kinds.contains(.crashWindow) {
            injector.change { if $0.fault.kind == .crashWindow { $0.fault.seen = "\(song) was parked" } }
            chaos.view.log("\(song) is parked; the workers are started again without the fault")
            cluster.faults = [:]
            for worker in cluster.workers.indices {
                cluster.kill(worker)
                try cluster.startWorker(worker)
            }
        } else {
            chaos.report.problems.append("\(song) was parked: \(watcher.song(song)?.reason ?? "")")
        }
        _ = try chaos.patiently("the song to be resumed", 60) { try? client.resume(song: song) }
    }

    private mutating func end(
        _ song: String, _ last: SongProgress?, wasParked: Bool, seconds: Double, counts: Bool
    ) throws {
        var outcome = ChaosReport.Song(
            song: song, state: last?.state.rawValue ?? "unknown", reason: last?.reason ?? "", seconds: seconds,
            wasParked: wasParked)
        if last?.state.isEnded != true {
            outcome.reason = "it did not end in \(Int(ChaosSettings.patience)) s; \(last?.waiting ?? "")"
        }
        try isEnough ? injector.healAll() : settle()
        if last?.state == .finished {
            let folder = settings.place.appendingPathComponent(song)
            outcome.identical = try fetchAndCompare(song, folder)
            try? FileManager.default.removeItem(at: folder)
            if counts { chaos.report.tokens.wanted += last?.wantedTokens ?? 0 } else { drawnBefore = cluster.drawn }
        }
        chaos.report.songs.append(outcome)
        chaos.view.log(
            "\(song) is \(outcome.state) after \(Int(seconds)) s"
                + (outcome.identical.map { $0 ? ", identical" : ", and its tokens DIFFER" } ?? ": \(outcome.reason)"))
    }

    private func fetchAndCompare(_ song: String, _ folder: URL) throws -> Bool {
        _ = try client.fetch(
            song: song, into: folder, isWanted: { $0.hasSuffix(".safetensors") || $0.hasSuffix(".json") })
        learn(LeaseHistory(try client.timeline(song: song)))
        _ = try client.remove(song: song)
        return chaos.isIdentical(folder)
    }
}
