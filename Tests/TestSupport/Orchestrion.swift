import Foundation

/// The program under test, as it was built beside the tests.
package enum Orchestrion {
    /// The binary in the folder of the running test bundle.
    package static let path: String = {
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let arguments = CommandLine.arguments.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let found = ([bundle] + arguments).map { $0.appendingPathComponent("orchestrion").path }
            .first { FileManager.default.isExecutableFile(atPath: $0) && !isFolder($0) }
        return found ?? bundle.appendingPathComponent("orchestrion").path
    }()

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// What a finished command said.
    package struct Result: Sendable {
        package var command: String
        package var ending: Ending
        package var output: String
        package var errorOutput: String

        package init(command: String, ending: Ending, output: String, errorOutput: String) {
            (self.command, self.ending, self.output, self.errorOutput) = (command, ending, output, errorOutput)
        }

        package var succeeded: Bool { ending == .exited(0) }

        /// Everything about it, for a failure's message.
        package var report: String { "\(command): \(ending)\n\(output)\(errorOutput)" }

        package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            do {
                return try decoder.decode(type, from: Data(output.utf8))
            } catch {
                throw TestSupportError("not the JSON of a \(type) (\(error)): \(report)")
            }
        }
    }

    /// Starts a command, in a folder of the run's own.
    package static func start(
        _ arguments: [String], name: String? = nil, environment: [String: String] = [:], folder: String? = nil
    ) throws -> ChildProcess {
        let logs = try TestFolder.make("command")
        return try ChildProcess(
            name: name ?? arguments.first ?? "orchestrion", executable: path, arguments: arguments,
            environment: environment, folder: folder ?? logs, logs: logs)
    }

    /// Runs a command to its end.
    ///
    /// - Throws: `TestSupportError` when it takes longer than `limit`.
    package static func run(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil, limit: Duration = patience
    ) async throws -> Result {
        let process = try start(arguments, environment: environment, folder: folder)
        let ending = try await process.waitForEnd(limit: limit)
        return Result(
            command: (["orchestrion"] + arguments).joined(separator: " "), ending: ending, output: process.output,
            errorOutput: process.errorOutput)
    }

    /// Runs a command that must succeed.
    ///
    /// - Throws: `TestSupportError` with its output when it does not.
    @discardableResult
    package static func succeed(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil, limit: Duration = patience
    ) async throws -> Result {
        let result = try await run(arguments, environment: environment, folder: folder, limit: limit)
        guard result.succeeded else { throw TestSupportError(result.report) }
        return result
    }
}
