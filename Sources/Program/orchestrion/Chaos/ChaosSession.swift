import ArgumentParser
import Chaos
import Foundation
import JukeboxModel
import SystemErrors

/// A run of `chaos` with what a person sees of it.
struct ChaosSession {
    private let command: ChaosCommand
    private let plan: ChaosPlan

    init(_ command: ChaosCommand, _ plan: ChaosPlan) { (self.command, self.plan) = (command, plan) }

    func run() throws {
        let interrupt = Interrupt(grace: .seconds(10)) {
            Terminal.note("Interrupted; all that was started is stopped.")
        }
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(
            "orchestrion-chaos-\(UUID().uuidString)")
        let keep = command.keep
        try OutputFolder.make(place.path)
        let cleanup = Signals.cleanUp { if !keep { try? FileManager.default.removeItem(at: place) } }
        defer {
            if keep {
                Terminal.note("The logs are in \(place.path)")
            } else {
                try? FileManager.default.removeItem(at: place)
            }
            Signals.forget(cleanup)
        }
        let settings = try settings(place)
        if command.seed == nil { Terminal.note("--seed \(settings.seed)") }
        let line = ChaosLine()
        let report: ChaosReport
        do {
            report = try ChaosRun(
                settings,
                view: ChaosView(log: line.log, show: line.show) {
                    if interrupt.isRaised { throw ExitCode(interrupt.exitCode) }
                }
            ).run()
        } catch {
            line.clear()
            throw error
        }
        line.clear()
        try write(report)
        if !report.failures.isEmpty { throw ExitCode(1) }
    }

    private func write(_ report: ChaosReport) throws {
        let json = try report.json() + "\n"
        if let file = command.json, file != "-" { try OutputFile.replace(file, with: json) }
        if let file = command.junit { try OutputFile.replace(file, with: report.junit) }
        print(command.json == "-" ? String(json.dropLast()) : report.text)
    }

    private func settings(_ place: URL) throws -> ChaosSettings {
        let (kinds, leftOut) = try possible()
        let usesNamespaces = plan.wantsNamespaces && Isolation.isInside
        var song = ["--seed", "41", "--samples", "\(command.samples)", "--seconds", "\(command.seconds)"]
        if let model = command.model { song += ["--model", model] }
        return ChaosSettings(
            songOptions: song, request: try SongOptions.parse(song).request(), profile: command.profile.name,
            workers: plan.workers, slots: command.slots, seed: command.seed ?? UInt64.random(in: 0...999_999),
            kinds: kinds,
            leftOut: leftOut, gap: plan.gap, seconds: plan.seconds, count: plan.count, lease: plan.lease,
            verifyShare: plan.verifyShare, usesKeys: !command.noKeys,
            network: usesNamespaces ? .namespace : .proxy, comparesTimes: plan.preset.comparesTimes, place: place)
    }

    /// The kinds that can be had here, and those that cannot.
    ///
    /// - Throws: `CommandError` when one was named that cannot be had.
    private func possible() throws -> (Set<FaultKind>, [ChaosReport.LeftOut]) {
        var leftOut: [ChaosReport.LeftOut] = []
        let isolation = "it needs namespaces: root, or user namespaces, with ip, tc and unshare installed"
        if !Isolation.isInside {
            if command.network == .namespace { throw CommandError("--network namespace: \(isolation)") }
            if plan.kinds.contains(.diskFull) { leftOut.append(.init(kind: .diskFull, why: isolation)) }
        }
        if command.network == .namespace {
            for kind in plan.kinds.intersection(NamespaceNetwork.impossible).sorted(by: { $0.rawValue < $1.rawValue }) {
                leftOut.append(.init(kind: kind, why: "it changes bytes, which namespaces cannot; --network proxy can"))
            }
        }
        if plan.isNamed, let first = leftOut.first {
            throw CommandError("\(first.kind.rawValue) cannot be had here: \(first.why)")
        }
        for left in leftOut { Terminal.note("left out: \(left.kind.rawValue): \(left.why)") }
        return (plan.kinds.subtracting(leftOut.map(\.kind)), leftOut)
    }
}

/// On a terminal one line that changes; otherwise a line for each thing that happens.
final class ChaosLine {
    private var next = ContinuousClock.now
    private var isShown = false

    func log(_ text: String) {
        clear()
        Terminal.log(text)
    }

    func show(_ progress: ChaosView.Progress) {
        guard Terminal.isInteractive, ContinuousClock.now >= next else { return }
        next = .now + .milliseconds(200)
        let left = progress.secondsLeft.map { "\(Terminal.duration($0)) left  " } ?? ""
        StandardError.write(
            "\r\u{1B}[2K\(left)\(progress.song) \(Int(progress.share * 100)) %  \(progress.faults) faults  "
                + progress.lastFault)
        isShown = true
    }

    func clear() {
        if isShown { StandardError.write("\r\u{1B}[2K") }
        isShown = false
    }
}
