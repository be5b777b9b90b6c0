package import Foundation

/// A folder that is gone when the test is.
package final class TemporaryFolder: Sendable {
    package let url: URL
    package var path: String { url.path }

    package init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("orchestrion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    package func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    @discardableResult
    package func write(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: file(name))
        return file(name).path
    }
}

/// Repeatable random numbers.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Whether two arrays of numbers have the same bits. Numbers that were never written are NaN and differ.
package func sameBits(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern && !$0.isNaN }
}

/// The text of the error that `body` throws.
package func errorText(_ body: () throws -> Void) -> String {
    do {
        try body()
    } catch {
        return "\(error)"
    }
    return "(nothing was thrown)"
}

/// nil when `body` throws an error whose text holds all of `fragments`; otherwise what it did instead.
package func unlessError(_ fragments: String..., body: () throws -> Void) -> String? {
    do {
        try body()
    } catch {
        let text = "\(error)"
        guard let absent = fragments.first(where: { !text.contains($0) }) else { return nil }
        return "no \"\(absent)\" in: \(text)"
    }
    return "nothing was thrown"
}
