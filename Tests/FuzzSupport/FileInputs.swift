import Checkpoint

/// Files of tensors.
enum FileInputs {
    /// Values that are read of a tensor, so that an input costs little.
    private static let mostValues = 1 << 20

    static func torch(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome { try checkpoint(bytes, "f.pth.tar") }

    static func safetensors(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome { try checkpoint(bytes, "f.safetensors") }

    private static func checkpoint(_ bytes: [UInt8], _ name: String) throws -> FuzzEntry.Outcome {
        try refusing(CheckpointError.self) {
            try ScratchFile.with(bytes, name) { path in
                for tensor in try Checkpoint.open(path: path).tensors.values where tensor.count <= mostValues {
                    if (try? tensor.int64s()) == nil { _ = try tensor.floats() }
                }
            }
        }
    }

    static func codes(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try refusing(CheckpointError.self) {
            try ScratchFile.with(bytes, "codes.safetensors") { path in
                let codes = try CodesFile.read(path)
                guard codes.allSatisfy({ $0.allSatisfy { $0.allSatisfy { $0 >= 0 } } }) else {
                    throw BrokenPromise("negative codes were read")
                }
            }
        }
    }
}

/// Puts pickles where a torch file has them.
package enum TorchWrapping {
    /// A legacy file with these bytes behind its three pickles of magic, protocol and system.
    package static func legacy(_ bytes: [UInt8]) -> [UInt8] {
        [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
            + [0x80, 2, 0x4D, 0xE9, 3, 0x2E] + [0x80, 2, 0x7D, 0x2E] + bytes
    }
}
