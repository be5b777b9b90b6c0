import Synchronization

/// How many connections there are, of how many there may be.
final class ConnectionGauge: Sendable {
    private let open = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// - Returns: whether there is room for one more, which then must leave.
    func enter() -> Bool {
        if open.add(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        return false
    }

    func leave() { open.subtract(1, ordering: .relaxed) }
}
