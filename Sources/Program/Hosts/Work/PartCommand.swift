import Digest

/// What is started on a host: the text of a script that becomes the program.
package struct PartCommand: Sendable, Equatable {
    package let unit: String
    package let text: String

    package var digest: String { Array(text.utf8).withUnsafeBytes { Digest.sha256($0) } }

    /// - Parameters:
    ///   - program: the folder of the program's version there.
    ///   - arguments: of `orchestrion`.
    ///   - note: what else it depends on, so that a change of that is a change of this.
    init(unit: String, program: String, arguments: [String], note: String) {
        self.unit = unit
        // Its library folder comes first, so that none of the machine's own is taken.
        text = """
            # Made by orchestrion up. \(note)
            LD_LIBRARY_PATH=\(ShellWord.quoted("\(program)/lib")) exec \(ShellWord.quoted("\(program)/bin/orchestrion")) \
            \(arguments.map(ShellWord.quoted).joined(separator: " "))

            """
    }
}

extension ClusterFile {
    /// The folder of a version of the program on a host.
    static func program(_ digest: String, on host: HostState) -> String { "\(host.folder)/versions/\(digest)" }

    /// - Parameters:
    ///   - program: digest of the program.
    ///   - model: its path there, or the name of the one that ships.
    package func coordinatorCommand(on host: HostState, program: String, model: String) -> PartCommand {
        PartCommand(
            unit: "coordinator", program: Self.program(program, on: host),
            arguments: [
                "coordinator", "--listen", "tcp://\(coordinator.listen):\(coordinator.port)", "--state",
                "\(host.folder)/state",
                "--secure", "--model", model, "--endpoint-file", "\(host.folder)/run/\(host.name)/coordinator.endpoint",
                "--only-arguments",
            ] + modelOptions + coordinator.options, note: "The cluster is \(name).")
    }

    /// - Parameters:
    ///   - host: as the file names it.
    ///   - address: of the coordinator's machine.
    ///   - key: the coordinator's public key.
    package func workerCommands(
        _ host: String, on state: HostState, program: String, model: String, address: String, key: String
    ) -> [PartCommand] {
        let all = workers(on: host)
        let run = "\(state.folder)/run/\(state.name)"
        return all.enumerated().map { index, worker in
            PartCommand(
                unit: worker.unit, program: Self.program(program, on: state),
                arguments: [
                    "worker", "--connect", "tcp://\(address):\(coordinator.port)", "--server-key",
                    "\(run)/coordinator.key.pub", "--key", "\(run)/worker.key", "--model", model, "--name",
                    Self.workerName(host, index + 1), "--only-arguments",
                ] + modelOptions + worker.options + Self.share(of: state, among: all.count, worker.options),
                note: "The cluster is \(name), the coordinator's key \(key).")
        }
    }

    /// As `status` and `drain` call it: what is before the colon is the host.
    package static func workerName(_ host: String, _ number: Int) -> String {
        "\(host.replacing("ssh://", with: "").replacing(":", with: "-")):\(number)"
    }

    /// Several workers of one machine divide it, unless they are told how.
    private static func share(of host: HostState, among count: Int, _ options: [String]) -> [String] {
        guard count > 1 else { return [] }
        func says(_ name: String) -> Bool { options.contains { $0.hasPrefix("--\(name)=") } }
        let tenths = max(1, host.memory / count / 10 * 8 / 100_000_000)
        return (says("threads") ? [] : ["--threads=\(max(1, host.cores / count))"])
            + (says("memory") ? [] : ["--memory=\(tenths / 10).\(tenths % 10)"])
    }
}
