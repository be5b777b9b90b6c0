/// The connections between workers and the coordinator, which can be made to suffer.
package protocol ChaosNetwork: AnyObject {
    /// For the report: `proxy` or `namespace`.
    var name: String { get }

    /// Where the coordinator listens.
    var listen: String { get }

    /// Where this program reaches it, without a fault.
    var direct: String { get }

    /// - Parameter worker: its number, from 0.
    func endpoint(of worker: Int) -> String

    /// What a worker's command begins with.
    func prefix(of worker: Int) -> [String]

    /// Lets a fault begin.
    ///
    /// - Parameter lot: chooses what the kind leaves open, such as the direction.
    /// - Returns: what was done, for people.
    /// - Throws: `ChaosError`.
    func begin(_ kind: FaultKind, worker: Int, lot: UInt64) throws -> String

    /// Ends it.
    ///
    /// - Returns: what the network saw of it; nil when it saw nothing.
    func end(_ kind: FaultKind, worker: Int) throws -> String?

    func close()
}

/// Which of them.
package enum NetworkChoice: String, Sendable, CaseIterable {
    case proxy, namespace, auto
}
