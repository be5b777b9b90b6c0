import ArgumentParser
import DiskFaultSupport
import Foundation
import TestSupport

struct CrashPointsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash-points",
        abstract: "Kill a coordinator before, and in the middle of, each change or sync of its disk.",
        discussion: "Started again, it must end the song with the same tokens.")

    @Option(help: "How many points, spread over the song.")
    var points = 40

    @Flag(help: "All points there are.")
    var all = false

    @Option(help: "Runs at a time.")
    var atOnce = 2

    @Option(help: "The song's length in seconds.")
    var seconds = 0.6

    @Option(help: "The most seconds from a start to the song in a worker's hands.")
    var within = 2.0

    func run() async throws {
        let trial = try await CrashPoints(TrialSong.make(seconds: seconds))
        let changes = try await trial.count()
        let chosen = all ? CrashPoints.all(changes) : CrashPoints.spread(points, over: changes)
        var progress = Progress(total: chosen.count, of: "points")
        let report = await trial.run(chosen, atOnce: atOnce) { progress.show($0) }
        var faults = report.faults
        if report.slowest > .seconds(within) {
            faults.append("one start took \(report.slowest.seconds) s until work was taken again, over \(within)")
        }
        for (place, count) in report.places.sorted(by: { $0.key < $1.key }) { print("\(count)  \(place)") }
        try conclude(report.text, faults: faults)
    }
}

struct PowerCutsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power-cuts",
        abstract: "Make images of power cuts at random places of a journal's life, and open each.",
        discussion: """
            What was synced is there; of what was not, any part in any order, torn at 512 bytes. A half of the images is of a \
            journal that many songs go through, the other of a coordinator that samples one.
            """)

    @Option(help: "How many images.")
    var images = 5000

    @Option(help: "Steps of the journal that is written.")
    var steps = 600

    @Option(help: "What the dice begin with.")
    var seed: UInt64 = 1

    func validate() throws {
        guard images > 1, steps > 0 else { throw ValidationError("Counts are above 0; at least two images.") }
    }

    func run() async throws {
        var progress = Progress(total: images, of: "images")
        let first = try await PowerCutRecording.journal(steps: steps, seed: seed).run(images: images / 2) {
            progress.show($0)
        }
        print("a journal of \(steps) steps: \(first.text)")
        let trial = try await PowerCutRecording.coordinator(TrialSong.make(seconds: 1.5), seed: seed)
        let second = try trial.run(images: images - images / 2) { progress.show(images / 2 + $0) }
        print("a coordinator: \(second.text)")
        try conclude(
            "\(images) images, \(first.withLosses + second.withLosses) lack something that was not synced",
            faults: first.faults + second.faults)
    }
}

struct FailingCallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failing-calls",
        abstract: "Let each kind of call to the disk fail once, with each error that a system says of it.",
        discussion: "The coordinator must go on, and the song end with the same tokens, a few seconds later at most.")

    @Option(help: "How many calls of each kind, spread over the song.")
    var each = 3

    @Option(help: "Runs at a time.")
    var atOnce = 2

    @Option(help: "The song's length in seconds.")
    var seconds = 0.6

    @Option(help: "The most seconds that the song may end later.")
    var within = 5.0

    func run() async throws {
        let trial = try await FailingCalls(TrialSong.make(seconds: seconds), limit: .seconds(within))
        let cases = try await trial.cases(ofEachKind: each)
        var progress = Progress(total: cases.count, of: "runs")
        let report = try await trial.run(cases, atOnce: atOnce) { progress.show($0) }
        for (place, count) in report.places.sorted(by: { $0.key < $1.key }) { print("\(count)  \(place)") }
        try conclude(report.text, faults: report.faults)
    }
}

struct SmallDisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "small-disks",
        abstract: "Run a coordinator on disks of growing size, all but the last too small, and make room.",
        discussion: "It must wait, say why, and go on by itself. Needs the right to mount (root), or --files.")

    @Option(help: "How many sizes, from 8 kB up.")
    var sizes = 64

    @Option(help: "The largest size in kB.")
    var most = 2000

    @Option(help: "The song's length in seconds.")
    var seconds = 1.5

    @Option(help: "The most seconds from the room to the coordinator going on.")
    var within = 5.0

    @Flag(help: "No small disks: each file may have that size (ulimit -f). Needs no rights.")
    var files = false

    func validate() throws {
        guard sizes > 0, most > 8 else { throw ValidationError("There is at least one size, up to more than 8 kB.") }
    }

    func run() async throws {
        guard files || SmallDisks.areAllowed else {
            throw ValidationError("No disk can be mounted here; give the same command as root, or add --files.")
        }
        let trial = try await SmallDisks(
            TrialSong.make(seconds: seconds), room: files ? .file : .disk, limit: .seconds(within))
        var progress = Progress(total: sizes, of: "sizes")
        let all = (0..<sizes).map { 8 + $0 * (most - 8) / max(1, sizes - 1) }
        let report = await trial.run(all) { progress.show($0) }
        try conclude(report.text, faults: report.faults)
    }
}

struct FlipsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flips",
        abstract: "Change bytes of each page of a journal, and open it.",
        discussion: "What was changed must be noticed or harmless, and nothing may be read that was not written.")

    @Option(help: "Flips on each page.")
    var each = 40

    @Option(help: "Steps of the journal that is written.")
    var steps = 200

    @Option(help: "What the dice begin with.")
    var seed: UInt64 = 1

    func run() throws {
        let trial = try JournalFlips(steps: steps, seed: seed)
        var progress: Progress?
        let report = try trial.run(onEachPage: each, seed: seed) { done, total in
            var own = progress ?? Progress(total: total, of: "pages")
            own.show(done)
            progress = own
        }
        try conclude(report.text, faults: report.faults)
    }
}

/// What `power-cuts` runs with the shim before it.
struct WriteJournal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a journal of made-up songs.", shouldDisplay: false)

    @Argument var folder: String
    @Option var steps: Int
    @Option var seed: UInt64

    func run() throws {
        let mark = DiskShim.mark()
        try JournalHistory(steps: steps, seed: seed).write(to: folder) { mark($0) }
    }
}
