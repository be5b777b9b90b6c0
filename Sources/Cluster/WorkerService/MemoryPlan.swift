import Foundation
import JukeboxModel
import ProcessLimits
import Sampling

/// What of a model a worker keeps in memory: how many levels' weights at a time, and how many windows.
struct MemoryPlan {
    /// Levels whose weights are in memory at the same time.
    let residentLevels: Int
    /// Windows in the running batch.
    let slots: Int

    /// Windows that a batch has room for when memory does not limit it: from here on arithmetic is the limit, and more
    /// windows make no more tokens.
    private static let mostSlots = 16
    /// Windows below which weights are rather swapped than kept beside each other.
    private static let fewSlots = 4

    /// - Parameter model: its name, for people.
    /// - Throws: `MemoryShortage` when not even one level and one window fit.
    init(model: String, backend: any WindowBackend, options: Worker.Options) throws {
        let sizes = options.levels.map(backend.memory(level:))
        let budget = options.memory ?? backend.ownMemory ?? Self.available
        let wanted = options.slots ?? Self.mostSlots
        let window = max(1, sizes.map(\.window).max() ?? 1)
        let all = sizes.reduce(0) { $0 + $1.weights }
        let largest = sizes.map(\.weights).max() ?? 0
        func slots(beside weights: Int) -> Int { min(wanted, (budget - weights) / window) }
        if slots(beside: all) >= min(wanted, Self.fewSlots) || sizes.count == 1 {
            (residentLevels, self.slots) = (sizes.count, slots(beside: all))
        } else {
            (residentLevels, self.slots) = (1, slots(beside: largest))
        }
        guard self.slots >= 1 else {
            throw MemoryShortage(
                "\(model) needs \(Self.size(largest + window)) for the weights of one level and one window; "
                    + "there are \(Self.size(budget)). Serve a smaller level (--levels), or use a smaller profile")
        }
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1_000_000_000
            ? String(format: "%.1f MB", Double(bytes) / 1e6) : String(format: "%.1f GB", Double(bytes) / 1e9)
    }

    /// Nine tenths of what this process can have, after what it needs beside weights and windows.
    private static var available: Int { max(0, ProcessLimits.current.memory.value - ownBytes) / 10 * 9 }

    /// The program and its libraries, working memory, and messages.
    private static let ownBytes = 64 << 20
}

/// A model that does not fit.
struct MemoryShortage: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
