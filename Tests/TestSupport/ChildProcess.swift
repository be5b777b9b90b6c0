import Foundation
import Synchronization

/// How a process ended.
package enum Ending: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    init(status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}

/// What went wrong around a test, rather than in what it tests.
package struct TestSupportError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// A process that a test started. Its output goes into two files, so that nothing has to read along.
///
/// Foundation's `Process` hides which signal ended a child, and cannot be polled without a run loop.
package final class ChildProcess: Sendable {
    package let name: String
    package var id: Int32 { pid }
    private let pid: pid_t
    private let outputPath: String
    private let errorPath: String
    /// nil while it runs. Locked while it is signalled, too: a pid that was waited for may be someone else's.
    private let state = Mutex<Ending?>(nil)

    /// Starts `executable`; standard input is empty.
    ///
    /// - Parameters:
    ///   - environment: added to this process's.
    ///   - folder: the working directory.
    ///   - logs: the folder for `NAME.out` and `NAME.err`.
    package init(
        name: String, executable: String, arguments: [String], environment: [String: String] = [:],
        folder: String, logs: String
    ) throws {
        self.name = name
        outputPath = "\(logs)/\(name).out"
        errorPath = "\(logs)/\(name).err"
        // Ready before the first child is there.
        let undertaker = Undertaker.shared
        // env changes the folder, then becomes the program: the pid stays.
        pid = try Self.spawn(
            ["/usr/bin/env", "-C", folder, executable] + arguments,
            environment: Self.inherited.merging(environment) { $1 }.map { "\($0)=\($1)" },
            output: outputPath, error: errorPath)
        undertaker.started(pid)
    }

    /// What this machine's administrator set for its own cluster is nothing to tests.
    private static let inherited = ["COORDINATOR", "WORKER", "GATEWAY"]
        .reduce(into: ProcessInfo.processInfo.environment) { $0["ORCHESTRION_\($1)_CONFIG"] = "/dev/null" }

    deinit { kill() }

    /// How it ended; nil while it runs.
    package var ending: Ending? {
        state.withLock { ending in
            if ending == nil { ending = wait(WNOHANG) }
            return ending
        }
    }

    package var isRunning: Bool { ending == nil }

    package var output: String { Self.text(outputPath) }
    package var errorOutput: String { Self.text(errorPath) }

    /// Whether it has something of its own to do on a signal.
    package func catches(_ signal: Int32) -> Bool {
        let line = Self.text("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
        let caught = line.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
        return caught & 1 << UInt64(signal - 1) != 0
    }

    /// - Returns: false when it has ended already.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        state.withLock { ending in
            if ending == nil { ending = wait(WNOHANG) }
            return ending == nil && Foundation.kill(pid, number) == 0
        }
    }

    /// Ends it with signal 9, if it still runs, and waits for that.
    @discardableResult
    package func kill() -> Ending {
        state.withLock { ending in
            if let ending { return ending }
            Foundation.kill(pid, SIGKILL)
            let last = wait(0) ?? .exited(-1)
            ending = last
            return last
        }
    }

    /// Processes that it has started, and that run.
    package var children: [Int32] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { Int32($0) }
    }

    /// Waits for its end.
    ///
    /// - Throws: `TestSupportError` after `limit`; it is killed then.
    @discardableResult
    package func waitForEnd(limit: Duration = patience) async throws -> Ending {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let ending { return ending }
            try await Task.sleep(for: .milliseconds(5))
        }
        // On a busy machine this task may have slept past the deadline while the process ended in time.
        if let ending { return ending }
        kill()
        throw TestSupportError("\(name) did not end in \(limit); its output:\n\(output)\(errorOutput)")
    }

    private func wait(_ options: Int32) -> Ending? {
        var status: Int32 = 0
        var result = waitpid(pid, &status, options)
        while result < 0, errno == EINTR { result = waitpid(pid, &status, options) }
        guard result == pid else { return nil }
        Undertaker.shared.ended(pid)
        return Ending(status: status)
    }

    private static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func spawn(
        _ command: [String], environment: [String], output: String, error: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        // A test runner in the background may ignore signals that these tests send.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let code = withCStrings(command) { arguments in
            withCStrings(environment) { posix_spawn(&pid, command[0], &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else {
            throw TestSupportError("\(command[0]) cannot be started: \(String(cString: strerror(code)))")
        }
        return pid
    }
}

/// Calls `body` with a list for `exec`: a null pointer ends it.
func withCStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
    let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
