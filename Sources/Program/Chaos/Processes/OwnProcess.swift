package import Foundation
import Spawning

/// This program once more, as a child that cannot outlive its parent: it ends when its standard input does, and only
/// the parent holds the other end.
package final class OwnProcess {
    package let name: String
    /// Where its standard error goes; nil when it is the parent's.
    package let log: String?
    package let pid: pid_t
    private let lifeline: Int32
    private var status: Int32?

    /// Starts `orchestrion ARGUMENTS`; its standard output is dropped.
    ///
    /// - Parameters:
    ///   - log: a file that is appended to.
    ///   - prefix: a program with arguments that becomes this one, such as `nsenter`.
    ///   - environment: added to this process's.
    /// - Throws: `ChaosError` when it cannot be started.
    package convenience init(
        _ name: String, _ arguments: [String], log: String?, prefix: [String] = [], environment: [String: String] = [:]
    ) throws {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // A program that was replaced since it was started is still there under this name.
        let own = prefix.isEmpty ? "/proc/self/exe" : program
        try self.init(
            name, command: prefix + [own] + arguments + ["--end-with-input", "--only-arguments"],
            called: prefix.isEmpty ? "orchestrion" : nil,
            log: log, environment: environment)
    }

    /// Starts any program, which must end when its standard input does.
    ///
    /// - Parameters:
    ///   - command: with the program's path.
    ///   - called: what it takes for its name.
    package init(
        _ name: String, command: [String], called: String? = nil, log: String?, environment: [String: String] = [:]
    ) throws {
        self.name = name
        self.log = log
        let ends: (reading: Int32, writing: Int32)
        do { ends = try Spawn.pipe() } catch { throw ChaosError("\(name) cannot be started: \(error)") }
        defer { close(ends.reading) }
        let file = log.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        defer { if let file, file >= 0 { close(file) } }
        do {
            pid = try Spawn(
                command: command, called: called, environment: environment, input: ends.reading, error: file
            ).start()
        } catch {
            close(ends.writing)
            throw ChaosError("\(name) cannot be started: \(error)")
        }
        lifeline = ends.writing
    }

    deinit {
        kill()
        close(lifeline)
    }

    /// The exit code, or 128 + the signal that ended it; nil while it runs.
    package var ending: Int32? {
        if status == nil { reap(WNOHANG) }
        return status.map(Spawn.ending)
    }

    /// Ends it with signal 9, as a power failure would, and waits for that.
    package func kill() {
        guard ending == nil else { return }
        Foundation.kill(pid, SIGKILL)
        reap(0)
    }

    /// - Returns: false when it has ended.
    @discardableResult
    package func signal(_ number: Int32) -> Bool { ending == nil && Foundation.kill(pid, number) == 0 }

    /// Processes that it has started, and that run.
    package var children: [pid_t] {
        let file = FileManager.default.contents(atPath: "/proc/\(pid)/task/\(pid)/children") ?? Data()
        return String(decoding: file, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }

    /// What it logged so far.
    package var logged: String {
        log.flatMap { FileManager.default.contents(atPath: $0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func reap(_ options: Int32) {
        if let status = Spawn.reap(pid, options) { self.status = status }
    }
}
