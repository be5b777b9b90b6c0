import Foundation
package import TestSupport

/// Programs that are run with the shim before them, for images of power cuts.
package enum PowerCutRecording {
    /// A journal that many songs go through, written by `orchestrion-disks write-journal`.
    ///
    /// - Parameter isSynced: false as if it had not been synced: then a trial must find what is lost.
    package static func journal(steps: Int, seed: UInt64, isSynced: Bool = true) async throws -> PowerCutTrial {
        let (root, log) = (try TestFolder.make("journal"), try TestFolder.make("log") + "/log")
        let shim = try DiskShim(folder: root, log: log)
        let program = URL(fileURLWithPath: Orchestrion.path).deletingLastPathComponent()
            .appendingPathComponent("orchestrion-disks").path
        let process = try ChildProcess(
            name: "write-journal", executable: program,
            arguments: ["write-journal", root, "--steps", "\(steps)", "--seed", "\(seed)"],
            environment: shim.environment(), folder: root, logs: try TestFolder.make("logs"))
        guard try await process.waitForEnd() == .exited(0) else {
            throw TestSupportError("the journal could not be written: \(process.errorOutput)")
        }
        var calls = try WriteLog(log)
        if !isSynced { calls.entries.removeAll { $0.operation == .sync } }
        return PowerCutTrial(
            calls, root: shim.folder, expectation: HistoryExpectation(JournalHistory(steps: steps, seed: seed)),
            seed: seed)
    }

    /// A coordinator that samples a song.
    package static func coordinator(_ song: TestSong, seed: UInt64) async throws -> PowerCutTrial {
        let run = try CoordinatorRun(song)
        let log = try TestFolder.make("log") + "/log"
        let shim = try DiskShim(folder: run.state, log: log)
        do {
            let coordinator = try run.startCoordinator(shim)
            try run.startWorker()
            try await run.submit()
            guard try await run.waitForEnd(coordinator) else {
                throw TestSupportError("the coordinator ended: \(coordinator.errorOutput)")
            }
        } catch {
            throw TestSupportError("\(error); all of it is in \(run.end(keep: true) ?? "")")
        }
        _ = run.end()
        return PowerCutTrial(try WriteLog(log), root: shim.folder, expectation: SentExpectation(), seed: seed)
    }
}

extension DiskShim {
    /// What puts marks into the log; nothing where the shim is not loaded.
    package static func mark() -> (Int) -> Void {
        guard let symbol = dlsym(nil, "disk_faults_mark") else { return { _ in } }
        let mark = unsafeBitCast(symbol, to: (@convention(c) (Int64) -> Void).self)
        return { mark(Int64($0)) }
    }
}
