import Foundation
import Testing

@testable import Checkpoint

/// The reference models under `Tests/Fixtures`.
enum Fixtures {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path

    static func path(_ name: String) -> String { "\(root)/\(name)" }

    /// Every file with tensors in it.
    static let tensorFiles: [String] = {
        let folders = [
            "lyrics-single", "lyrics-encdec", "no-lyrics", "two-level-unlabelled", "hf-no-lyrics",
            "hf-lyrics-single",
        ]
        return folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []).sorted()
                .filter { $0.hasSuffix(".pth.tar") || $0.hasSuffix(".safetensors") || $0.hasSuffix(".bin") }
                .map { "\(folder)/\($0)" }
        }
    }()
}

/// A folder that is gone when the test is.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "checkpoint-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String { try write(Array(text.utf8), name) }

    @discardableResult
    func copy(_ source: String, _ name: String) throws -> String {
        try FileManager.default.copyItem(atPath: source, toPath: file(name))
        return file(name)
    }
}

/// Reproducible random numbers.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Little-endian bytes of numbers.
func littleEndian<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
}

/// The checkpoint error that `body` throws; records a failure if it throws none, or another.
func checkpointError(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation)
    -> CheckpointError?
{
    do {
        try body()
    } catch let error as CheckpointError {
        return error
    } catch {
        Issue.record("threw \(error)", sourceLocation: sourceLocation)
        return nil
    }
    Issue.record("threw nothing", sourceLocation: sourceLocation)
    return nil
}

/// Expects a checkpoint error whose text holds all of `fragments`.
func expectError(
    _ fragments: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    guard let error = checkpointError(body, sourceLocation: sourceLocation) else { return }
    for fragment in fragments {
        #expect(error.description.contains(fragment), "\(error)", sourceLocation: sourceLocation)
    }
}

/// Whether two tensors have the same type, shape and bytes.
func same(_ a: StoredTensor, _ b: StoredTensor) -> Bool {
    a.type == b.type && a.shape == b.shape
        && (try? a.withBytes { x in
            try b.withBytes { y in
                x.count == y.count && (x.isEmpty || memcmp(x.baseAddress!, y.baseAddress!, x.count) == 0)
            }
        }) == true
}
