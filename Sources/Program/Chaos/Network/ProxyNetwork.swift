/// A proxy for each worker. It needs no rights at all, and can do everything that happens to bytes.
package final class ProxyNetwork: ChaosNetwork {
    package let name = "proxy"
    private let port: UInt16
    private let proxies: [ChaosProxy]
    private var before: [Int: LinkCounts] = [:]

    /// - Throws: `SystemError` when there are no ports.
    package init(workers: Int, seed: UInt64) throws {
        let port = try Sockets.freePort()
        self.port = port
        proxies = try (0..<workers).map { try ChaosProxy(to: port, seed: seed &+ UInt64($0)) }
    }

    package var listen: String { "tcp://127.0.0.1:\(port)" }
    package var direct: String { listen }
    package func endpoint(of worker: Int) -> String { "tcp://127.0.0.1:\(proxies[worker].port)" }
    package func prefix(of worker: Int) -> [String] { [] }

    package func begin(_ kind: FaultKind, worker: Int, lot: UInt64) throws -> String {
        let proxy = proxies[worker]
        before[worker] = proxy.counts
        let isUp = lot & 1 == 0
        switch kind {
        case .partition: proxy.condition = .partition
        case .oneWay: proxy.condition = .oneWay(up: isUp)
        case .slowLink: proxy.condition = .slow
        case .corrupt: proxy.condition = .corrupting
        case .reset: proxy.reset()
        case .cut: proxy.cut()
        default: throw ChaosError("\(kind.rawValue) is no fault of a connection")
        }
        return kind == .oneWay
            ? (isUp ? "nothing reaches the coordinator" : "nothing reaches the worker") : kind.summary
    }

    package func end(_ kind: FaultKind, worker: Int) throws -> String? {
        let proxy = proxies[worker]
        let (old, new) = (before[worker] ?? LinkCounts(), proxy.counts)
        proxy.condition = .good
        switch kind {
        case .partition, .oneWay: return Self.told(new.held - old.held, "bytes held")
        case .slowLink: return Self.told(new.late - old.late, "bytes late")
        case .corrupt: return Self.told(new.flipped - old.flipped, "bits flipped")
        case .reset, .cut: return Self.told(new.broken - old.broken, "connections broken")
        default: return nil
        }
    }

    private static func told(_ count: Int, _ what: String) -> String? { count > 0 ? "\(count) \(what)" : nil }

    package func close() { for proxy in proxies { proxy.close() } }
}
