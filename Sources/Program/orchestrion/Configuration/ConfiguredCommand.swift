import ArgumentParser
import Foundation
import OptionLayers

/// The commands that serve others, whose options may stand in a file and in the environment, too.
enum ConfiguredCommand: String, CaseIterable, ExpressibleByArgument {
    case coordinator, worker, gateway

    private var type: any ParsableCommand.Type {
        switch self {
        case .coordinator: CoordinatorCommand.self
        case .worker: WorkerCommand.self
        case .gateway: GatewayCommand.self
        }
    }

    /// All options that the command's help shows.
    func table() throws -> OptionTable {
        try OptionTable(command: rawValue, help: Data(Self.dump(type).utf8))
    }

    /// Options that are not put together one by one: what a place says of how to reach a coordinator counts together
    /// (`ConnectionSettings`).
    func connection() throws -> Set<String> {
        guard self != .coordinator else { return [] }
        return Set(
            try OptionTable(command: rawValue, help: Data(ConnectionOptions._dumpHelp().utf8)).options.map(\.name))
    }

    private static func dump(_ type: any ParsableCommand.Type) -> String { type._dumpHelp() }

    /// The file that is read when none is named and it is there.
    var standardFile: String { "/etc/orchestrion/\(rawValue).toml" }
}
