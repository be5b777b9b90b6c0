import DiskFaultSupport
import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Disks that fail under a coordinator. `orchestrion-disks` does the same at full length.
    @Suite(.serialized, .enabled(if: DiskShim.library != nil)) struct DiskFaultTests {
        private func song() async throws -> TestSong {
            TestSong(model: try await TestModel.tiny(), seconds: 0.6, seed: 41)
        }

        @Test func `a coordinator killed at any point of its writing ends the song with the same tokens`() async throws
        {
            let trial = try await CrashPoints(song())
            let report = await trial.run(CrashPoints.spread(40, over: try await trial.count()), atOnce: 2)
            #expect(report.faults.isEmpty, "\(report.faults)")
            #expect(report.passed == 40 && report.crashes >= 30, "\(report.text)")
        }

        /// The first call of each kind of file, with the first error that it may have; the others at full length.
        @Test func `one call to the disk that fails ends neither a song nor the coordinator`() async throws {
            // How soon it goes on is measured at full length: here other things may run beside it.
            let trial = try await FailingCalls(song(), limit: .seconds(60))
            let all = try await trial.cases(ofEachKind: 1)
            var chosen: [FailingCalls.Case] = []
            for (number, refusal) in DiskShim.Refusal.allCases.enumerated() {
                let own = all.filter { $0.refusal == refusal }
                chosen += (0..<6).map { own[($0 * own.count / 6 + number) % own.count] }
            }
            let report = try await trial.run(chosen, atOnce: 2)
            #expect(report.faults.isEmpty, "\(report.faults)")
            // Which calls come differs from run to run.
            #expect(report.fired > chosen.count / 2, "\(report.text)")
        }

        /// Where the journal is opened, where a song is taken on, and where it grows.
        @Test func `a limit on the size of files is waited for, and raised`() async throws {
            let trial = try await SmallDisks(song(), room: .file, limit: .seconds(60))
            let report = await trial.run([8, 60, 120])
            #expect(report.faults.isEmpty, "\(report.faults)")
            #expect(report.passed == 3 && report.full >= 2, "\(report.text)")
        }

        @Test(arguments: [true, false])
        func `a start that a disk refuses waits, says why, and goes on`(hasKeys: Bool) async throws {
            let run = try await CoordinatorRun(song())
            defer { _ = run.end() }
            // The first call for the key's file removes what another start may have left there.
            let file = "\(run.state)/endpoint"
            let shim = try DiskShim(
                folder: run.state, match: hasKeys ? "coordinator.key" : "endpoint",
                fault: .fail(.full, call: hasKeys ? 2 : 1))
            let options = ["--endpoint-file", file] + (hasKeys ? ["--secure"] : [])
            let coordinator = try run.startCoordinator(shim, options: options)
            try await wait(for: "the file of the address") {
                FileManager.default.fileExists(atPath: file) || !coordinator.isRunning
            }
            try #require(coordinator.isRunning, "\(coordinator.errorOutput)")
            #expect(shim.control.fired == 1)
            let part = hasKeys ? "the coordinator's keys: " : "the file of the address: "
            #expect(coordinator.errorOutput.contains(part) && coordinator.errorOutput.contains("is full"))
        }
    }
}
