import Foundation
import Hosts

/// How a cluster's hosts look.
enum HostTable {
    static func text(_ report: ClusterReport) -> String {
        let head = ["host", "runs", "kind", "cores", "memory", "free disk", "clock", "program", "state"]
        let rows = [head] + report.hosts.map(row)
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            zip(row, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
                .joined(separator: "  ").trimmingTrailing
        }
        for host in report.hosts {
            for warning in host.warnings { lines.append("\(host.host): warning: \(warning)") }
            if let fault = host.fault { lines.append("\(host.host): \(fault)") }
            lines += host.lastWords.map { "    \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ host: HostReport) -> [String] {
        let state = host.state
        return [
            host.host, roles(host), state?.architecture ?? "?", state.map { "\($0.cores)" } ?? "?",
            state.map { Terminal.bytes($0.memory) } ?? "?", state.map { Terminal.bytes($0.disk) } ?? "?",
            state.map { clock($0.clock) } ?? "?", program(host.version), word(host),
        ]
    }

    private static func roles(_ host: HostReport) -> String {
        let workers = host.workers == 0 ? nil : host.workers == 1 ? "worker" : "\(host.workers) workers"
        return [host.isCoordinator ? "coordinator" : nil, workers].compactMap(\.self).joined(separator: ", ")
    }

    /// Whole seconds are all that is known.
    private static func clock(_ seconds: Double) -> String {
        seconds == 0 ? "same" : String(format: "%+.0f s", seconds)
    }

    /// The release, and the beginning of the commit.
    private static func program(_ version: String?) -> String {
        guard let version else { return "-" }
        return String(version.replacing(" (unknown commit)", with: "").replacing("commit ", with: "").prefix(24))
    }

    private static func word(_ host: HostReport) -> String {
        if host.fault != nil { return "failed" }
        if host.units.isEmpty { return "nothing runs" }
        let works = host.units.filter { $0.state == .works }
        let changed = host.units.filter(\.isChanged).map(\.name)
        if works.count == host.units.count {
            return "works" + (changed.isEmpty ? "" : ", started just now: \(changed.joined(separator: ", "))")
        }
        if host.units.allSatisfy({ $0.state == .stopped }) { return "stopped" }
        return host.units.map { "\($0.name) \($0.state.rawValue)" }.joined(separator: ", ")
    }
}

extension String {
    fileprivate var trimmingTrailing: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// The same for programs.
struct ClusterDocument: Encodable {
    struct Unit: Encodable {
        var unit: String
        /// works, starting or stopped.
        var state: String
        var changed: Bool
    }
    struct Host: Encodable {
        var host: String
        var coordinator: Bool
        var workers: Int
        var name: String?
        var architecture: String?
        var cores: Int?
        var memoryBytes: Int?
        var diskFreeBytes: Int?
        var clockSeconds: Double?
        var folder: String?
        var program: String?
        var units: [Unit]
        var warnings: [String]
        var fault: String?
        var lastWords: [String]
    }
    var cluster: String
    var good: Bool
    var hosts: [Host]
    /// For `ORCHESTRION_CONFIG`.
    var client: String?

    init(_ report: ClusterReport, client: String?) {
        (cluster, good, self.client) = (report.cluster, report.isGood, client)
        hosts = report.hosts.map { host in
            Host(
                host: host.host, coordinator: host.isCoordinator, workers: host.workers, name: host.state?.name,
                architecture: host.state?.architecture, cores: host.state?.cores, memoryBytes: host.state?.memory,
                diskFreeBytes: host.state?.disk, clockSeconds: host.state?.clock, folder: host.state?.folder,
                program: host.version,
                units: host.units.map { Unit(unit: $0.name, state: $0.state.rawValue, changed: $0.isChanged) },
                warnings: host.warnings, fault: host.fault, lastWords: host.lastWords)
        }
    }
}
