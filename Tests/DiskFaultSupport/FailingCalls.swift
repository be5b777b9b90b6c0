import Foundation
package import TestSupport

/// A coordinator of whose calls to the disk one fails once. The song must end with the same tokens, by itself and soon, and
/// the coordinator must go on.
package struct FailingCalls: Sendable {
    /// One run.
    package struct Case: Sendable, Hashable {
        package var refusal: DiskShim.Refusal
        package var call: Int
        /// What the reference run did there, such as `write journal.sqlite-wal`.
        package var kind: String
    }

    package struct Report: Sendable {
        package var runs = 0
        /// Runs in which the call was made, and failed.
        package var fired = 0
        package var passed = 0
        /// What failed, and how often.
        package var places: [String: Int] = [:]
        /// How much later than the median of undisturbed runs the song ended.
        package var delays: [(Duration, String)] = []
        package var faults: [String] = []

        package var slowest: Duration { delays.map(\.0).max() ?? .zero }

        package var text: String {
            "\(runs) runs, \(fired) calls of \(places.count) kinds failed, \(passed) passed; the latest ended "
                + "\(slowest.seconds) s after an undisturbed one"
        }
    }

    private let song: TestSong
    private let expected: SongResult
    /// The most that a song may end later than undisturbed.
    private let limit: Duration

    package init(_ song: TestSong, limit: Duration = .seconds(5)) async throws {
        (self.song, self.limit) = (song, limit)
        expected = try await song.undisturbed()
    }

    /// Which calls fail with what: of each kind of call so many, spread over a run.
    package func cases(ofEachKind count: Int) async throws -> [Case] {
        let log = try TestFolder.make("calls") + "/log"
        let run = try CoordinatorRun(song)
        defer { _ = run.end() }
        let shim = try DiskShim(folder: run.state, log: log)
        let coordinator = try run.startCoordinator(shim, options: Self.options(run))
        try run.startWorker()
        try await run.submit()
        guard try await run.waitForEnd(coordinator) else {
            throw TestSupportError("the coordinator ended: \(coordinator.errorOutput)")
        }
        let root = shim.folder
        let entries = try WriteLog(log).entries.filter { $0.operation != .mark }
        let kinds = Dictionary(grouping: entries) { Self.kind($0, root: root) }
        var cases: [Case] = []
        for (kind, entries) in kinds.sorted(by: { $0.key < $1.key }) {
            for refusal in DiskShim.Refusal.allCases where refusal.isSaid(of: entries[0].operation) {
                let chosen = (0..<min(count, entries.count)).map {
                    entries[$0 * entries.count / min(count, entries.count)]
                }
                cases += chosen.map { Case(refusal: refusal, call: $0.call, kind: kind) }
            }
        }
        return cases
    }

    private static func options(_ run: CoordinatorRun) -> [String] { ["--endpoint-file", "\(run.state)/endpoint"] }

    /// Numbers are left away, so that files of a kind are one.
    private static func kind(_ entry: WriteLog.Entry, root: String) -> String {
        let name = entry.path.hasPrefix(root) ? entry.path.dropFirst(root.count) : entry.path[...]
        let parts = name.split(separator: "/").map { part in
            part.contains("partial")
                ? part.prefix { $0 != "-" } : part.hasPrefix(".orchestrion-trial") ? ".trial" : part
        }
        return "\(entry.operation) \(parts.joined(separator: "/"))"
    }

    /// How long an undisturbed run takes: the median of three.
    private func undisturbed() async throws -> Duration {
        var durations: [Duration] = []
        for _ in 0..<3 { durations.append(try await duration(nil, nil)) }
        return durations.sorted()[1]
    }

    package func run(_ cases: [Case], atOnce: Int, progress: (Int) -> Void = { _ in }) async throws -> Report {
        let usual = try await undisturbed()
        var report = Report()
        await withTaskGroup(of: Outcome.self) { group in
            var rest = cases[...]
            func add() { if let next = rest.popFirst() { group.addTask { await outcome(of: next, usual) } } }
            for _ in 0..<atOnce { add() }
            while let outcome = await group.next() {
                report.add(outcome)
                progress(report.runs)
                add()
            }
        }
        return report
    }

    fileprivate struct Outcome: Sendable {
        var `case`: Case
        var place: String?
        var delay: Duration?
        var fault: String?
    }

    private func outcome(of given: Case, _ usual: Duration) async -> Outcome {
        var outcome = Outcome(case: given)
        let place = Mutable<String?>(nil)
        do {
            let delay = try await duration(.fail(given.refusal, call: given.call), place) - usual
            outcome.delay = delay
            if delay > limit { outcome.fault = "the song ended \(delay.seconds) s later than undisturbed" }
        } catch {
            outcome.fault = "\(error)"
        }
        outcome.place = place.value
        return outcome
    }

    /// From the coordinator's start to the song's end.
    private func duration(_ fault: DiskShim.Fault?, _ place: Mutable<String?>?) async throws -> Duration {
        let run = try CoordinatorRun(song)
        do {
            let shim = try DiskShim(folder: run.state, fault: fault)
            let before = ContinuousClock.now
            let coordinator = try run.startCoordinator(shim, options: Self.options(run))
            try run.startWorker()
            let submitting = Task { try await run.submit() }
            defer { submitting.cancel() }
            let isDone = try await run.waitForEnd(coordinator)
            if shim.control.fired > 0 { place?.value = shim.control.what }
            guard isDone else {
                throw TestSupportError("the coordinator ended (\(coordinator.ending!)): \(coordinator.errorOutput)")
            }
            let duration = before.duration(to: .now)
            guard try run.result() == expected else { throw TestSupportError("other tokens") }
            _ = run.end()
            return duration
        } catch {
            throw TestSupportError("\(error); all of it is in \(run.end(keep: true) ?? "")")
        }
    }
}

/// Something that a call tells beside its result; used by one task at a time.
private final class Mutable<Value: Sendable>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

extension FailingCalls.Report {
    fileprivate mutating func add(_ outcome: FailingCalls.Outcome) {
        runs += 1
        let name = "\(outcome.case.refusal.rawValue) \(outcome.place ?? outcome.case.kind)"
        if let place = outcome.place {
            fired += 1
            places[place, default: 0] += 1
        }
        if let delay = outcome.delay { delays.append((delay, name)) }
        guard let fault = outcome.fault else { return passed += 1 }
        faults.append("\(name) (call \(outcome.case.call)): \(fault)")
    }
}
