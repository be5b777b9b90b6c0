import FaultSimulation
import Foundation

/// What `orchestrion simulate` found, for people and for scripts.
struct SimulationReport: Encodable {
    struct Failure: Encodable {
        struct PlannedFault: Encodable {
            var seconds: Double
            var fault: String
        }

        var seed: UInt64
        var rule: String
        var what: String
        /// Seconds of virtual time.
        var seconds: Double
        /// Repeats it.
        var command: String
        /// What was planned until then.
        var faults: [PlannedFault]
    }

    var seeds: Int
    var failed: Int
    var songs: Int
    var events: Int
    var virtualSeconds: Double
    var seconds: Double
    var faultsStruck: Int
    /// In one seed.
    var fewestFaultsStruck: Int
    var struck: [String: Int]
    var messages: [String: Int]
    var disk: [String: Int]
    /// Two runs of the same seeds have the same.
    var digest: String
    var failures: [Failure]

    private enum CodingKeys: String, CodingKey {
        case seeds, failed, songs, events, seconds, struck, messages, disk, digest, failures
        case virtualSeconds = "virtual_seconds"
        case faultsStruck = "faults_struck"
        case fewestFaultsStruck = "fewest_faults_struck"
    }

    /// - Parameter wall: seconds that it took.
    init(_ summary: SeedSeries.Summary, faults: Int, wall: Double) {
        (seeds, songs, events) = (summary.seeds, summary.songs, summary.events)
        (virtualSeconds, seconds) = (summary.seconds, wall)
        (faultsStruck, fewestFaultsStruck) = (summary.faults, summary.seeds > 0 ? summary.fewestFaults : 0)
        failed = summary.failures.count
        struck = Dictionary(uniqueKeysWithValues: summary.fired.map { ($0.key.rawValue, $0.value) })
        let (sent, disk) = (summary.messages, summary.disk)
        messages = [
            "sent": sent.sent, "dropped": sent.dropped, "duplicated": sent.duplicated, "delayed": sent.delayed,
            "changed": sent.changed, "blocked": sent.blocked,
        ]
        self.disk = [
            "writes": disk.writes, "syncs": disk.syncs, "refused": disk.refused,
            "lost_at_power_cuts": disk.lostAtPowerCuts, "torn_at_power_cuts": disk.tornAtPowerCuts,
        ]
        digest = String(format: "%016llx", summary.digest)
        failures = summary.failures.map { result in
            Failure(
                seed: result.seed, rule: result.violation?.rule.rawValue ?? "", what: result.violation?.what ?? "",
                seconds: result.seconds,
                command: "orchestrion simulate --seed \(result.seed) --faults \(faults) --trace",
                faults: result.planned.filter { $0.time <= result.seconds }.map {
                    Failure.PlannedFault(seconds: $0.time, fault: "\($0.fault)")
                })
        }
    }

    var text: String {
        var lines: [String] = []
        for failure in failures {
            lines.append("seed \(failure.seed) breaks a rule after \(Self.seconds(failure.seconds)) s")
            lines.append("  \(failure.rule): \(failure.what)")
            lines.append("  faults until then:")
            lines += failure.faults.map { "    \(Self.seconds($0.seconds)) s  \($0.fault)" }
            lines.append("  repeat it with: \(failure.command)")
        }
        let kinds = struck.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        lines.append(
            "\(seeds) seed\(seeds == 1 ? "" : "s") in \(Self.seconds(seconds)) s: \(songs) songs, \(Int(virtualSeconds)) s of "
                + "clusters, \(faultsStruck) faults struck (at least \(fewestFaultsStruck) in each seed)")
        if !kinds.isEmpty { lines.append("  faults: \(kinds)") }
        lines.append("  messages: \(Self.list(messages))")
        lines.append("  disk: \(Self.list(disk))")
        lines.append("  digest: \(digest)")
        lines.append(failed == 0 ? "no rule was broken" : "\(failed) of \(seeds) seeds broke a rule")
        return lines.joined(separator: "\n")
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.replacingOccurrences(of: "_", with: " "))" }
            .joined(separator: ", ")
    }

    private static func seconds(_ value: Double) -> String { String(format: "%.1f", value) }
}
