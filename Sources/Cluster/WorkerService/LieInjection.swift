import Foundation
import SongPlan

/// Wrong tokens on purpose, for tests of what finds them: `ORCHESTRION_FAULT` with the word `lie`. Every token is another one
/// than was drawn; with `lie=0.25` in that share of the windows, with `lie-after=N` from the N-th token on. Words are parted
/// by commas or spaces.
struct LieInjection: Sendable {
    let isAskedFor: Bool
    private let share: Double
    private let after: Int

    init(_ text: String? = ProcessInfo.processInfo.environment["ORCHESTRION_FAULT"]) {
        let parts = (text ?? "").split { $0 == "," || $0 == " " }.map { word in
            word.split(separator: "=", maxSplits: 1).map(String.init)
        }
        let words = Dictionary(parts.map { ($0[0], $0.count > 1 ? $0[1] : "") }, uniquingKeysWith: { $1 })
        isAskedFor = words["lie"] != nil || words["lie-after"] != nil
        share = words["lie"].flatMap { Double($0) } ?? 1
        after = words["lie-after"].flatMap { Int($0) } ?? 0
    }

    /// What the worker says that it has drawn.
    ///
    /// - Parameter count: of tokens that it has drawn before.
    @inline(__always)
    func said(_ token: UInt16, of task: TaskID, after count: Int) -> UInt16 {
        guard isAskedFor, count >= after, share >= 1 || lot(task) < share else { return token }
        return token == 0 ? 1 : token - 1
    }

    private func lot(_ task: TaskID) -> Double {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(task)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Double((hash ^ hash >> 32) % 1000) / 1000
    }
}
