import ClusterProtocol

/// Refusals until somebody asks for them: each once, and a bounded number.
struct RefusalList {
    private var recent: [ConnectionRefusal] = []
    private static let most = 32

    mutating func add(_ refusal: ConnectionRefusal) {
        if recent.count < Self.most, !recent.contains(refusal) { recent.append(refusal) }
    }

    mutating func take() -> [ConnectionRefusal] {
        defer { recent = [] }
        return recent
    }
}
