import ZeroMQTransport

/// What decides who is let in.
enum DoorInputs {
    /// The frames of a request, each after a byte that says how long it is.
    static func zap(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        var frames: [[UInt8]] = []
        var rest = bytes[...]
        while let count = rest.popFirst() {
            frames.append(Array(rest.prefix(Int(count))))
            rest = rest.dropFirst(Int(count))
        }
        guard let request = AdmissionRequest(frames) else { return .refused }
        guard request.refusal("no").count == 8 else { throw BrokenPromise("a reply of other than 8 frames") }
        switch request.content {
        case .malformed: return .refused
        case .key(let key, _):
            guard frames.count == 9, frames[8].count == 32, key.z85.utf8.count == 40 else {
                throw BrokenPromise("a key that was not given: \(frames)")
            }
            return .taken
        }
    }

    static func allowList(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try refusing(ZeroMQError.self) {
            let list = try ScratchFile.with(bytes, "allowed-keys") { try AllowList(path: $0) }
            // What was read is written and read as the same.
            let text = list.entries.map(\.line).joined(separator: "\n")
            let again = AllowList(parsing: text, from: "again")
            guard again.entries == list.entries, again.faults.isEmpty else {
                throw BrokenPromise("a list is another when it is written and read again")
            }
        }
    }

    static func key(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try refusing(ZeroMQError.self) {
            try ScratchFile.with(bytes, "key") { path in
                let known = try KeyFile.readPublicKey(path)
                guard known.z85.utf8.count == 40 else { throw BrokenPromise("a key of another length") }
                _ = try KeyFile.readPair(path)
            }
        }
    }
}
