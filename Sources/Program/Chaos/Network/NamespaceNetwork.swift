import Foundation

/// A network namespace for each worker, joined to ours by a pair of virtual interfaces: partitions drop packets, as a cable
/// that is cut does. Ours is no namespace of the host's (`Isolation`), so nothing there is touched, and all of it is gone
/// when the processes are.
package final class NamespaceNetwork: ChaosNetwork {
    package let name = "namespace"
    /// A process in each namespace, which keeps it.
    private var holders: [OwnProcess] = []
    private let port: UInt16
    private var before: [Int: (up: Int, down: Int)] = [:]
    private var directions: [Int: Bool] = [:]

    /// Kinds that need bytes of a connection to be changed.
    package static let impossible: Set<FaultKind> = [.reset, .cut, .corrupt]

    /// - Throws: `ChaosError` with what the system would not do.
    package init(workers: Int) throws {
        port = try Sockets.freePort()
        guard let unshare = Tool.path("unshare"), let cat = Tool.path("cat") else {
            throw ChaosError("namespaces need the programs unshare and nsenter (package util-linux)")
        }
        for worker in 0..<workers {
            // It ends when its input does, which is when we do.
            let holder = try OwnProcess("holder", command: [unshare, "--net", cat], log: "/dev/null")
            holders.append(holder)
            try Self.waitUntilApart(holder)
            try join(worker, holder)
        }
    }

    private static func namespace(_ process: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }

    private static func waitUntilApart(_ holder: OwnProcess) throws {
        for _ in 0..<500 {
            if let own = namespace("self"), let theirs = namespace("\(holder.pid)"), own != theirs { return }
            usleep(10_000)
        }
        throw ChaosError("a network namespace cannot be made")
    }

    private func join(_ worker: Int, _ holder: OwnProcess) throws {
        let link = Self.link(worker)
        try Tool.need(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", "\(holder.pid)"])
        try Tool.need(["ip", "addr", "add", "\(Self.address(worker, 1))/30", "dev", link])
        try Tool.need(["ip", "link", "set", link, "up"])
        try inside(worker, ["ip", "addr", "add", "\(Self.address(worker, 2))/30", "dev", "eth0"])
        try inside(worker, ["ip", "link", "set", "eth0", "up"])
    }

    private static func link(_ worker: Int) -> String { "chaos\(worker)" }
    private static func address(_ worker: Int, _ end: Int) -> String { "10.231.\(worker).\(end)" }

    private func inside(_ worker: Int, _ command: [String]) throws {
        try Tool.need(["nsenter", "--target", "\(holders[worker].pid)", "--net"] + command)
    }

    package var listen: String { "tcp://0.0.0.0:\(port)" }
    package var direct: String { "tcp://127.0.0.1:\(port)" }
    package func endpoint(of worker: Int) -> String { "tcp://\(Self.address(worker, 1)):\(port)" }
    package func prefix(of worker: Int) -> [String] {
        [Tool.path("nsenter") ?? "nsenter", "--target", "\(holders[worker].pid)", "--net"]
    }

    package func begin(_ kind: FaultKind, worker: Int, lot: UInt64) throws -> String {
        let (link, isUp) = (Self.link(worker), lot & 1 == 0)
        directions[worker] = isUp
        defer { before[worker] = Self.bytes(worker) }
        switch kind {
        case .partition:
            try Tool.need(["ip", "link", "set", link, "down"])
            return "the link is down"
        case .oneWay:
            try route(worker, isUp, "add")
            return isUp
                ? "packets to the coordinator go into a black hole" : "packets to the worker go into a black hole"
        case .slowLink:
            let shape = ["root", "tbf", "rate", "64kbit", "burst", "2kb", "latency", "2s"]
            try Tool.need(["tc", "qdisc", "add", "dev", link] + shape)
            try inside(worker, ["tc", "qdisc", "add", "dev", "eth0"] + shape)
            return "64 kbit/s"
        default: throw ChaosError("\(kind.rawValue) cannot be had of namespaces")
        }
    }

    /// A route more for one address, which nothing comes out of.
    private func route(_ worker: Int, _ isUp: Bool, _ verb: String) throws {
        let command = ["ip", "route", verb, "blackhole", "\(Self.address(worker, isUp ? 1 : 2))/32"]
        if isUp { try inside(worker, command) } else { try Tool.need(command) }
    }

    package func end(_ kind: FaultKind, worker: Int) throws -> String? {
        let link = Self.link(worker)
        let (old, new) = (before[worker] ?? (0, 0), Self.bytes(worker))
        let isUp = directions[worker] ?? true
        switch kind {
        case .partition:
            try Tool.need(["ip", "link", "set", link, "up"])
            return old == new ? "no byte passed" : nil
        case .oneWay:
            try route(worker, isUp, "del")
            return isUp
                ? (old.up == new.up ? "no byte passed up" : nil) : (old.down == new.down ? "no byte passed down" : nil)
        case .slowLink:
            try Tool.need(["tc", "qdisc", "del", "dev", link, "root"])
            try inside(worker, ["tc", "qdisc", "del", "dev", "eth0", "root"])
            return new.up > old.up ? "\(new.up - old.up) bytes passed slowly" : nil
        default: return nil
        }
    }

    /// That passed our end of the link so far. /sys may show another namespace, so /proc is asked.
    private static func bytes(_ worker: Int) -> (up: Int, down: Int) {
        let file = FileManager.default.contents(atPath: "/proc/self/net/dev") ?? Data()
        for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == link(worker) else { continue }
            let numbers = parts[1].split(separator: " ").compactMap { Int($0) }
            if numbers.count > 8 { return (numbers[0], numbers[8]) }
        }
        return (0, 0)
    }

    package func close() { for holder in holders { holder.kill() } }
}
