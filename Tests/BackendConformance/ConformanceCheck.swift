package import JukeboxModel
import ModelTestSupport
package import Sampling
import SongPlan

/// What every `WindowBackend` must do. Each check is for one case; `deviation` says what a backend does otherwise.
package enum ConformanceCheck: String, CaseIterable, Sendable {
    /// Row by row, a window alone has the reference's tokens.
    case decode
    /// Rows computed many at a time give the same.
    case prefill
    /// Batches that windows join, leave and lose, in any order.
    case batches
    /// A window whose first tokens another worker sampled.
    case resume
    /// A window that was begun with a part of its prime.
    case extend
    /// The memory of windows that ended anywhere.
    case recycle
    /// The level's weights leave and come back.
    case reload
    /// What a level takes is known before it is loaded.
    case memory

    /// - Parameter make: a backend of a model, in its profile.
    /// - Returns: nil for a backend that does it right.
    package func deviation(
        _ subject: ConformanceCase, _ make: (Model) throws -> any WindowBackend
    ) throws -> String? {
        let windows = try Windows.of(subject)
        let model = try subject.model()
        do {
            let backend = try make(model)
            if self == .memory { return try Self.memory(of: backend, model, subject) }
            let rows = max(windows.blockLength, 4 * windows.inputs.count)
            let driver = try Driver(backend, level: subject.level, rows: rows)
            switch self {
            case .decode: try Self.decode(driver, windows)
            case .prefill: try Self.prefill(driver, windows)
            case .batches: try Self.batches(driver, windows)
            case .resume: try Self.resume(driver, windows)
            case .extend: try Self.extend(driver, windows)
            case .recycle: try Self.recycle(driver, windows)
            case .reload: try Self.reload(driver, windows, rows: rows)
            case .memory: break
            }
            return nil
        } catch let deviation as Deviation {
            return "\(subject), \(rawValue): \(deviation)"
        }
    }

    private static func expect(_ tokens: [UInt16], _ wanted: some Sequence<UInt16>, _ what: String) throws {
        guard !tokens.elementsEqual(wanted) else { return }
        let first = zip(tokens, wanted).enumerated().first { $1.0 != $1.1 }?.offset ?? tokens.count
        throw Deviation("\(what) has other tokens than the reference from new token \(first) on")
    }

    private static func decode(_ driver: Driver, _ windows: Windows) throws {
        for (input, wanted) in zip(windows.inputs, windows.tokens).prefix(3) {
            let tokens = try driver.sample(driver.begin(input), count: Windows.count, most: 1)
            try expect(tokens, wanted, "a window that is computed row by row")
        }
    }

    private static func prefill(_ driver: Driver, _ windows: Windows) throws {
        for (input, wanted) in zip(windows.inputs, windows.tokens) {
            for most in Set([2, 3, 7, windows.blockLength]) {
                let tokens = try driver.sample(driver.begin(input), count: Windows.count, most: most)
                try expect(tokens, wanted, "a window that is computed \(most) rows at a time")
            }
        }
    }

    /// Each step for some windows in a random order; now and then one is lost, and goes on elsewhere from what it had.
    private static func batches(_ driver: Driver, _ windows: Windows) throws {
        for round in 0..<3 {
            var random = SplitMix64(seed: UInt64(round))
            var running = try windows.inputs.map { try driver.begin($0) }
            var tokens = windows.inputs.map { _ in [UInt16]() }
            while tokens.contains(where: { $0.count < Windows.count }) {
                let members = tokens.indices.filter {
                    tokens[$0].count < Windows.count && Int.random(in: 0..<4, using: &random) > 0
                }.shuffled(using: &random)
                guard !members.isEmpty else { continue }
                for member in members where Int.random(in: 0..<16, using: &random) == 0 {
                    driver.backend.recycle(running[member])
                    running[member] = try driver.begin(windows.inputs[member].with(tokens[member]))
                }
                let outcomes = try driver.step(
                    members.map {
                        let most = min(4, running[$0].pendingRows, running[$0].rowsToBlockEnd)
                        return WindowRows(running[$0], rows: Int.random(in: 1...most, using: &random))
                    })
                for (member, outcome) in zip(members, outcomes) {
                    switch outcome {
                    case .pending: break
                    case .token(let token): tokens[member].append(token)
                    case .failed(let reason): throw Deviation("a window of a batch fails: \(reason)")
                    }
                }
            }
            for (own, wanted) in zip(tokens, windows.tokens) { try expect(own, wanted, "a window of a batch") }
        }
    }

    private static func resume(_ driver: Driver, _ windows: Windows) throws {
        for (input, wanted) in zip(windows.inputs, windows.tokens).prefix(2) {
            for done in stride(from: 1, to: Windows.count, by: 5) {
                let window = try driver.begin(input.with(wanted.prefix(done)))
                let tokens = try driver.sample(window, count: Windows.count - done, most: windows.blockLength)
                try expect(tokens, wanted.dropFirst(done), "a window resumed after \(done) tokens")
            }
        }
    }

    private static func extend(_ driver: Driver, _ windows: Windows) throws {
        for (input, wanted) in zip(windows.inputs, windows.tokens) where !input.tokens.isEmpty {
            for known in [0, input.tokens.count / 2, input.tokens.count] {
                var part = input
                part.tokens = Array(input.tokens.prefix(known))
                let window = try driver.begin(part)
                while window.pendingRows > 1 {
                    let rows = min(3, window.pendingRows - 1, window.rowsToBlockEnd)
                    _ = try driver.step([WindowRows(window, rows: rows)])
                }
                window.extend(to: input.tokens)
                let tokens = try driver.sample(window, count: Windows.count, most: 5)
                try expect(tokens, wanted, "a window that was begun with \(known) of its \(input.tokens.count) tokens")
            }
        }
    }

    private static func recycle(_ driver: Driver, _ windows: Windows) throws {
        for ended in [0, 1, 5, Windows.count] {
            // Two at a time, so that memory comes back in another order than it went.
            let pair = try [windows.inputs[0], windows.inputs[3]].map { try driver.begin($0) }
            for window in pair { _ = try driver.sample(window, count: ended, most: windows.blockLength) }
            for window in pair { driver.backend.recycle(window) }
            for (input, wanted) in zip(windows.inputs, windows.tokens) {
                let window = try driver.begin(input)
                let tokens = try driver.sample(window, count: Windows.count, most: windows.blockLength)
                try expect(tokens, wanted, "a window in the memory of one that ended after \(ended) tokens")
                driver.backend.recycle(window)
            }
        }
    }

    private static func reload(_ driver: Driver, _ windows: Windows, rows: Int) throws {
        let (first, second) = (Windows.count / 3, Windows.count - Windows.count / 3)
        let window = try driver.begin(windows.inputs[0])
        let other = try driver.begin(windows.inputs[1])
        var tokens = try driver.sample(window, count: first, most: windows.blockLength)
        driver.backend.unload(level: driver.level)
        driver.backend.recycle(other)
        for _ in 0..<2 { try driver.backend.load(level: driver.level, rows: rows) }
        tokens += try driver.sample(window, count: second, most: windows.blockLength)
        try expect(tokens, windows.tokens[0], "a window whose level left the memory and came back")
    }

    private static func memory(
        of backend: any WindowBackend, _ model: Model, _ subject: ConformanceCase
    ) throws -> String? {
        guard backend.profile == model.profile else {
            return "\(subject): a backend of profile \(backend.profile.name)"
        }
        let before = backend.memory(level: subject.level)
        try backend.load(level: subject.level, rows: 8)
        guard before.weights > 0, before.window > 0 else { return "\(subject): a level takes \(before)" }
        let after = backend.memory(level: subject.level)
        return after == before ? nil : "\(subject): a level takes \(before), and \(after) once it is loaded"
    }
}

extension WindowInput {
    /// The same window after some more of its tokens.
    fileprivate func with(_ done: some Sequence<UInt16>) -> WindowInput {
        var input = self
        input.tokens += done
        return input
    }
}
