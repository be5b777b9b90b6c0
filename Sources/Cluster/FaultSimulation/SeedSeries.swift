import Foundation
import Synchronization

/// Many seeds, on some threads.
package final class SeedSeries: Sendable {
    /// What came of all of them.
    package struct Summary: Sendable {
        package var seeds = 0
        package var songs = 0
        package var events = 0
        /// Of virtual time.
        package var seconds = 0.0
        package var fired: [Fault.Kind: Int] = [:]
        /// The fewest faults that struck in a seed.
        package var fewestFaults = Int.max
        package var messages = FaultSimulation.MessageCounts()
        package var disk = FaultSimulation.DiskCounts()
        /// Of all seeds, whatever their order.
        package var digest: UInt64 = 0
        /// In the order of their seeds.
        package var failures: [FaultSimulation.Result] = []

        package var faults: Int { fired.values.reduce(0, +) }

        package init() {}
    }

    private struct State {
        var next: UInt64
        var summary = Summary()
        var error: (any Error)?
    }

    private let end: UInt64
    private let faults: Int
    private let mostFailures: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - seeds: one after another.
    ///   - faults: that are to strike in each seed.
    ///   - mostFailures: after so many no more seeds are begun.
    package init(_ seeds: Range<UInt64>, faults: Int, mostFailures: Int = .max) {
        end = seeds.upperBound
        self.faults = faults
        self.mostFailures = mostFailures
        state = Mutex(State(next: seeds.lowerBound))
    }

    /// Runs all.
    ///
    /// - Parameters:
    ///   - threads: that run seeds side by side.
    ///   - isStopped: looked at before each seed.
    ///   - progress: is given the seeds that are done, by the calling thread.
    /// - Throws: `SimulationError` when no simulation can be made here.
    package func run(
        threads: Int, isStopped: @escaping @Sendable () -> Bool = { false }, progress: (Int) -> Void = { _ in }
    ) throws -> Summary {
        let group = DispatchGroup()
        for number in 0..<max(1, threads) {
            group.enter()
            let thread = Thread { [self] in
                while !isStopped(), runNext() {}
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.name = "seeds \(number)"
            thread.start()
        }
        while group.wait(timeout: .now() + .milliseconds(200)) == .timedOut {
            progress(state.withLock { $0.summary.seeds })
        }
        return try state.withLock { state in
            if let error = state.error { throw error }
            state.summary.failures.sort { $0.seed < $1.seed }
            return state.summary
        }
    }

    /// - Returns: false when there is nothing left.
    private func runNext() -> Bool {
        let seed = state.withLock { state -> UInt64? in
            guard state.next < end, state.error == nil, state.summary.failures.count < mostFailures else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        guard let seed else { return false }
        do {
            let result = try FaultSimulation.run(seed: seed, faults: faults)
            state.withLock { $0.summary.add(result) }
        } catch {
            state.withLock { $0.error = $0.error ?? error }
        }
        return true
    }
}

extension SeedSeries.Summary {
    package mutating func add(_ result: FaultSimulation.Result) {
        seeds += 1
        songs += result.songs
        events += result.events
        seconds += result.seconds
        fired.merge(result.fired, uniquingKeysWith: +)
        fewestFaults = min(fewestFaults, result.faults)
        messages.add(result.messages)
        disk.add(result.disk)
        digest ^= Mixing.add(result.digest, to: result.seed)
        if result.violation != nil { failures.append(result) }
    }
}

extension FaultSimulation.MessageCounts {
    fileprivate mutating func add(_ other: Self) {
        sent += other.sent
        dropped += other.dropped
        duplicated += other.duplicated
        delayed += other.delayed
        changed += other.changed
        blocked += other.blocked
    }
}

extension FaultSimulation.DiskCounts {
    fileprivate mutating func add(_ other: Self) {
        writes += other.writes
        syncs += other.syncs
        refused += other.refused
        lostAtPowerCuts += other.lostAtPowerCuts
        tornAtPowerCuts += other.tornAtPowerCuts
    }
}
