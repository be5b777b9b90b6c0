import ClusterProtocol

/// Messages as bytes.
enum WireInputs {
    static func messages(_ bytes: [UInt8]) -> FuzzEntry.Outcome {
        var book = SealBook()
        _ = book.accepts(bytes, from: .coordinator)
        var outcome = FuzzEntry.Outcome.refused
        if let message = try? WireToCoordinator(payload: bytes) {
            outcome = .taken
            _ = try? message.payload()
            if case .chunk(let chunk) = message.kind { _ = chunk.hash == chunk.expectedHash }
        }
        if let message = try? WireFromCoordinator(payload: bytes) {
            outcome = .taken
            _ = try? message.payload()
            if case .assignment(let assignment) = message.kind { _ = assignment.labels.songLabels }
        }
        return outcome
    }
}
