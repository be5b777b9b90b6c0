import ArgumentParser
import ClusterClient
import Foundation

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract:
            "Give a worker or a host no more windows, so that it can be stopped without a loss; or give it some again.",
        discussion: """
            It goes on with the windows that it has, and gets no others. Nothing is lost in any case: a worker that is \
            stopped by SIGTERM hands in what it has, and others go on from there. Draining spares the others the \
            beginning of those windows.

            What is drained is the running process. It stays drained when the coordinator is started again, and when its \
            engine is. A worker that is stopped and started again is not: so an upgrade is drain --wait, stop, start.

            Examples:
              orchestrion drain node7               all workers of a host
              orchestrion drain node7:4711 --wait   one worker; returns when it has nothing left
              orchestrion drain node7 --undo
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Argument(
        help:
            "A worker's name, a host (the part of the name before the colon), or a machine, as orchestrion workers shows them."
    )
    var who: String

    @Flag(help: "Return when they have no windows left.")
    var wait = false

    @Option(help: ArgumentHelp("With --wait, for so long at most; exit code 1 after that.", valueName: "seconds"))
    var timeout: Double?

    @Flag(help: "They get windows again.")
    var undo = false

    @Flag(help: "Print as JSON who was meant, and how many windows they have left.")
    var json = false

    func validate() throws {
        if wait, undo { throw ValidationError("--wait is for draining, and --undo ends that") }
        guard timeout == nil || wait else { throw ValidationError("--timeout is for --wait") }
        guard timeout.map({ $0 > 0 && $0 < 1e9 }) ?? true else { throw ValidationError("--timeout must be above 0") }
    }

    private struct Document: Encodable {
        struct Worker: Encodable {
            var worker: String
            var name: String
            /// Windows that it still has.
            var busy: Int
            var drained: Bool
        }
        var workers: [Worker]
    }

    func run() throws {
        let client = try connection.client()
        defer { client.close() }
        let meant = Set(try client.drain(who, undo: undo))
        let deadline = timeout.map { ContinuousClock.now + .milliseconds(Int64($0 * 1000)) }
        var told: Int?
        while true {
            // One that is gone has nothing left.
            let workers = try client.workers().workers.filter { meant.contains($0.worker) }
            let left = workers.reduce(0) { $0 + $1.busy }
            let isSettled = workers.allSatisfy { $0.isDrained != undo || $0.isLeaving }
            if isSettled, !wait || left == 0 { return try tell(meant.count, workers, left) }
            if isSettled, told != left, !json {
                Terminal.note("\(left) \(left == 1 ? "window is" : "windows are") left")
                told = left
            }
            if let deadline, deadline <= .now {
                throw CommandError(
                    "\(left) windows are left after \(timeout ?? 0) s; they stay drained. Wait longer, or stop them: nothing is "
                        + "lost by that")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    private func tell(_ count: Int, _ workers: [ConnectedWorker], _ left: Int) throws {
        if json {
            let document = Document(
                workers: workers.map {
                    .init(worker: $0.worker, name: $0.name, busy: $0.busy, drained: $0.isDrained)
                })
            return print(try Terminal.json(document))
        }
        let what = "\(count) \(count == 1 ? "worker" : "workers") of \(who)"
        if undo { return print("\(what): windows again") }
        print(
            "\(what): drained, "
                + (left == 0 ? "and without windows" : "\(left) \(left == 1 ? "window" : "windows") left"))
    }
}
