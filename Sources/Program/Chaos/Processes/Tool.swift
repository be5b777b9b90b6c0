import Foundation

/// Programs of the system that are run to their end, such as `ip`.
enum Tool {
    /// Where a program is; nil when it is not installed.
    static func path(_ name: String) -> String? {
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// - Returns: its exit code, and what it said.
    static func run(_ command: [String]) -> (code: Int32, said: String) {
        guard let program = path(command[0]) else { return (127, "\(command[0]) is not installed") }
        return run(program, Array(command.dropFirst()))
    }

    private static func run(_ program: String, _ arguments: [String]) -> (code: Int32, said: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { return (126, "\(error)") }
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// - Throws: `ChaosError` with what it said, when it fails.
    static func need(_ command: [String]) throws {
        let (code, said) = run(command)
        guard code == 0 else { throw ChaosError("\(command.joined(separator: " ")): \(said) (exit code \(code))") }
    }
}

extension Tool {
    /// Runs this program to its end. It may have been replaced since it was started, and is still there under this name.
    static func runOwn(_ arguments: [String]) -> (code: Int32, said: String) { run("/proc/\(getpid())/exe", arguments) }
}
