import ArgumentParser
import Foundation
import TestSupport

/// Crashes, power cuts and failing disks, at full length.
@main struct DisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrion-disks",
        abstract: "Let disks fail under a coordinator and its journal, and look whether the promises hold.",
        discussion: """
            For example:

              orchestrion-disks crash-points --all     kill a coordinator at every change of its disk
              orchestrion-disks power-cuts --images 5000
              orchestrion-disks failing-calls --each 4

            The program orchestrion must lie beside this one. All commands exit with 1 when a promise was broken.
            """,
        subcommands: [
            CrashPointsCommand.self, PowerCutsCommand.self, FailingCallsCommand.self, FlipsCommand.self,
            SmallDisksCommand.self, WriteJournal.self,
        ])
}

/// The song of all trials: short, with several windows at each level.
enum TrialSong {
    static func make(seconds: Double) async throws -> TestSong {
        TestSong(model: try await TestModel.tiny(), seconds: seconds, seed: 41)
    }
}

/// Says on the standard error output how far it is and how long it still takes, once a second.
struct Progress {
    private let total: Int
    private let what: String
    private let start = ContinuousClock.now
    private var told = ContinuousClock.now

    init(total: Int, of what: String) { (self.total, self.what) = (total, what) }

    mutating func show(_ done: Int) {
        guard told.duration(to: .now) > .seconds(1) || done == total else { return }
        told = .now
        let left = start.duration(to: .now) / .seconds(1) * Double(total - done) / Double(max(1, done))
        FileHandle.standardError.write(Data("\(done) of \(total) \(what), about \(Int(left)) s left\n".utf8))
    }
}

/// Prints what came of it, with its faults, and ends with 1 when there are some.
func conclude(_ text: String, faults: [String]) throws {
    for fault in faults.prefix(50) { print("broken: \(fault)") }
    print(text)
    if !faults.isEmpty { throw ExitCode(1) }
}
