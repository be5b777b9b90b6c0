package import Foundation
import SystemErrors

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
            name, command: prefix + [own] + arguments + ["--end-with-input"],
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
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("a pipe for \(name)") }
        // Or other children would hold this one's lifeline.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        if let log {
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        }
        // A group of its own: Ctrl-C is the parent's to answer, which may be ignoring signals just now.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] =
            ([called ?? command[0]] + command.dropFirst()).map { strdup($0) } + [nil]
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command[0], &actions, &attributes, &words, &settings)
        guard code == 0 else {
            close(ends[1])
            throw ChaosError("\(name) cannot be started: \(String(cString: strerror(code)))")
        }
        self.pid = pid
        lifeline = ends[1]
    }

    deinit {
        kill()
        close(lifeline)
    }

    /// The exit code, or 128 + the signal that ended it; nil while it runs.
    package var ending: Int32? {
        if status == nil { reap(WNOHANG) }
        return status.map { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : 128 + $0 & 0x7F }
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
        var status: Int32 = 0
        var result = waitpid(pid, &status, options)
        while result < 0, errno == EINTR { result = waitpid(pid, &status, options) }
        if result == pid { self.status = status }
    }
}
