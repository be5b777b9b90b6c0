/// What a cluster of a handful of machines shall be: `cluster.toml`.
package struct ClusterFile: Sendable, Equatable {
    /// For folders, services and people.
    package var name: String
    /// On each host; `~/` is the home there.
    package var folder: String
    /// A tarball of `Scripts/package` or its folder, on this machine; nil: the running program.
    package var program: String?
    package var model: ModelPlace
    /// Options of a model, which the coordinator and all workers have: `--preset` and `--profile`.
    package var modelOptions: [String]
    package var start: StartMode
    package var coordinator: CoordinatorPart
    /// As they stand in the file; a host may occur twice.
    package var workers: [WorkerPart]

    package enum ModelPlace: Sendable, Equatable {
        /// Ships with the program.
        case musicBox
        /// A folder of this machine, which is copied to the hosts.
        case here(String)
        /// A folder that all hosts have.
        case there(String)
    }

    package enum StartMode: String, Sendable, CaseIterable {
        /// As services of the user where they outlive the login, else detached.
        case auto
        case service
        case process
    }

    package struct CoordinatorPart: Sendable, Equatable {
        package var host: String
        /// How workers reach it; nil: as ssh's settings name the host.
        package var address: String?
        package var port: Int
        /// Where it listens.
        package var listen: String
        package var options: [String]
    }

    package struct WorkerPart: Sendable, Equatable {
        package var host: String
        package var count: Int
        package var options: [String]
    }

    /// All hosts, the coordinator's first, each once.
    package var hosts: [String] {
        ([coordinator.host] + workers.map(\.host)).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// What shall run on a host, in the order of the file.
    package func workers(on host: String) -> [(unit: String, options: [String])] {
        workers.filter { $0.host == host }.flatMap { part in (0..<part.count).map { _ in part.options } }.enumerated()
            .map { ("worker-\($0 + 1)", $1) }
    }
}
