import ArgumentParser
import ClusterClient

struct WorkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show the machines that work, and which are set aside and why; give one windows again.",
        discussion: """
            A machine that fails whatever it gets is set aside for a while, and tried again by itself: after 10 s, and \
            twice as long each time, up to an hour. One that sent made-up tokens stays aside until it is released.

            Examples:
              orchestrion workers
              orchestrion workers release MACHINE
              orchestrion drain WORKER              no more windows; see orchestrion drain --help
            """, subcommands: [List.self, Release.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show machines with their workers, and those that are set aside.")

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        @Flag(help: "Print it as JSON.")
        var json = false

        func run() throws {
            let client = try connection.client()
            defer { client.close() }
            let status = try client.status()
            if json { return print(try Terminal.json(MachineList(status))) }
            let machines = Dictionary(grouping: status.workers, by: \.machine).sorted { $0.key < $1.key }
            print(machines.isEmpty ? "No workers." : "Machines")
            for (machine, workers) in machines {
                print("  \(machine.isEmpty ? "(unnamed)" : machine)")
                for worker in workers {
                    let out = worker.outWord.map { ", \($0)" } ?? ""
                    print("    \(worker.name)  \(worker.busy) of \(worker.slots) slots busy\(out)")
                }
            }
            for line in SetAsideView.lines(status.setAsides) { print(line) }
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: "Give windows again to a machine that is set aside.")

        @OptionGroup(title: "Connection") var connection: ConnectionOptions

        @Argument(help: "The machine, as orchestrion workers shows it.")
        var machine: String

        func run() throws {
            let client = try connection.client()
            defer { client.close() }
            guard try client.release(machine: machine) else {
                throw CommandError("no machine \(machine) is set aside; orchestrion workers lists those that are")
            }
            print("\(machine) gets windows again")
        }
    }
}

private struct MachineList: Encodable {
    struct Worker: Encodable {
        var name: String
        var machine: String
        var slots: Int
        var busy: Int
        var leaving: Bool
        var drained: Bool
    }
    struct Aside: Encodable {
        var machine: String
        var name: String
        var reason: String
        /// null: until somebody releases it.
        var secondsLeft: Double?
    }
    var workers: [Worker]
    var setAside: [Aside]

    init(_ status: ClusterStatus) {
        workers = status.workers.map {
            Worker(
                name: $0.name, machine: $0.machine, slots: $0.slots, busy: $0.busy, leaving: $0.isLeaving,
                drained: $0.isDrained)
        }
        setAside = status.setAsides.map {
            Aside(machine: $0.machine, name: $0.name, reason: $0.reason, secondsLeft: $0.secondsLeft)
        }
    }
}
