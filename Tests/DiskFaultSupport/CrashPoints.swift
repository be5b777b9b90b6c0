import Foundation
package import TestSupport

/// A coordinator that is killed at one point after another of its writing: before a change or sync of the disk, or in the
/// middle of a write. Started again, it must end the song with the same tokens.
package struct CrashPoints: Sendable {
    package struct Point: Sendable, Hashable {
        package var number: Int
        /// In the middle of it, where it is a write.
        package var isHalf: Bool
    }

    package struct Report: Sendable {
        package var points = 0
        package var crashes = 0
        package var passed = 0
        /// From the second start to the song in a worker's hands.
        package var restarts: [Duration] = []
        /// What was being done when it died, and how often.
        package var places: [String: Int] = [:]
        package var faults: [String] = []

        package var slowest: Duration { restarts.max() ?? .zero }
        package var median: Duration { restarts.isEmpty ? .zero : restarts.sorted()[restarts.count / 2] }

        package var text: String {
            "\(points) points, \(crashes) crashes, \(passed) passed; work taken again after \(median.seconds) s (median), "
                + "\(slowest.seconds) s (most)"
        }
    }

    private let song: TestSong
    private let expected: SongResult

    package init(_ song: TestSong) async throws {
        self.song = song
        expected = try await song.undisturbed()
    }

    /// How many changes and syncs a run has.
    package func count() async throws -> Int {
        let run = try CoordinatorRun(song)
        defer { _ = run.end() }
        let shim = try DiskShim(folder: run.state)
        let coordinator = try run.startCoordinator(shim)
        try run.startWorker()
        try await run.submit()
        guard try await run.waitForEnd(coordinator) else {
            throw TestSupportError("the coordinator ended: \(coordinator.errorOutput)")
        }
        return shim.control.changes
    }

    /// Points spread over a run.
    package static func spread(_ count: Int, over changes: Int) -> [Point] {
        (0..<count).map { number in
            Point(number: 1 + number * changes / count, isHalf: !number.isMultiple(of: 2))
        }
    }

    /// Each change of a run, and each in its middle.
    package static func all(_ changes: Int) -> [Point] {
        (1...changes).flatMap { [Point(number: $0, isHalf: false), Point(number: $0, isHalf: true)] }
    }

    /// Runs points, some at a time.
    package func run(_ points: [Point], atOnce: Int, progress: (Int) -> Void = { _ in }) async -> Report {
        var report = Report()
        await withTaskGroup(of: Outcome.self) { group in
            var rest = points[...]
            func add() { if let point = rest.popFirst() { group.addTask { await outcome(of: point) } } }
            for _ in 0..<atOnce { add() }
            while let outcome = await group.next() {
                report.add(outcome)
                progress(report.points)
                add()
            }
        }
        return report
    }

    fileprivate struct Outcome: Sendable {
        var point: Point
        var place: String?
        var restart: Duration?
        var fault: String?
    }

    private func outcome(of point: Point) async -> Outcome {
        var outcome = Outcome(point: point)
        do {
            let run = try CoordinatorRun(song)
            do {
                try await crash(run, &outcome)
                _ = run.end()
            } catch {
                let kept = run.end(keep: true) ?? ""
                outcome.fault = "\(error); all of it is in \(kept)"
            }
        } catch {
            outcome.fault = "\(error)"
        }
        return outcome
    }

    private func crash(_ run: CoordinatorRun, _ outcome: inout Outcome) async throws {
        let point = outcome.point
        let shim = try DiskShim(
            folder: run.state, fault: point.isHalf ? .killHalf(point.number) : .killBefore(point.number))
        var coordinator = try run.startCoordinator(shim)
        try run.startWorker()
        let submitting = Task { try await run.submit() }
        defer { submitting.cancel() }
        // Without so many changes, it ends the song undisturbed.
        if try await !run.waitForEnd(coordinator) {
            guard coordinator.ending == .signalled(9), shim.control.fired == 1 else {
                throw TestSupportError("the coordinator ended (\(coordinator.ending!)): \(coordinator.errorOutput)")
            }
            outcome.place = shim.control.what
            let before = ContinuousClock.now
            coordinator = try run.startCoordinator(nil)
            try await run.waitForWork(coordinator)
            outcome.restart = before.duration(to: .now)
            guard try await run.waitForEnd(coordinator) else {
                throw TestSupportError("it ended again: \(coordinator.errorOutput)")
            }
        }
        guard try run.result() == expected else { throw TestSupportError("other tokens") }
    }
}

extension CrashPoints.Report {
    fileprivate mutating func add(_ outcome: CrashPoints.Outcome) {
        points += 1
        if let place = outcome.place {
            crashes += 1
            places[place, default: 0] += 1
        }
        if let restart = outcome.restart { restarts.append(restart) }
        guard let fault = outcome.fault else { return passed += 1 }
        let point = outcome.point
        faults.append("point \(point.number)\(point.isHalf ? " (half)" : "") \(outcome.place ?? ""): \(fault)")
    }
}

extension Duration {
    /// To a hundredth.
    package var seconds: String { String(format: "%.2f", self / .seconds(1)) }
}
