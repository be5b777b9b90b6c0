import Foundation
import Spawning

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
        do {
            let ends = try Spawn.pipe()
            defer { close(ends.reading) }
            let pid: pid_t
            do {
                defer { close(ends.writing) }
                pid = try Spawn(command: [program] + arguments, output: ends.writing, error: ends.writing).start()
            }
            let said = text(from: ends.reading)
            let code = Spawn.reap(pid).map(Spawn.ending) ?? 126
            return (code, said.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            return (126, "\(error)")
        }
    }

    /// All that comes until the other end is closed.
    private static func text(from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
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
