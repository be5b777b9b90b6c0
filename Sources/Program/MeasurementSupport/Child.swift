package import Foundation
import Synchronization
import SystemErrors

/// The orchestrion program that lies beside this one, as a child process.
package final class Child: Sendable {
    package let name: String
    package let pid: pid_t
    private let files: (output: String, log: String)
    /// Our end of its standard input: it ends when this is closed, also by our death.
    private let lifeline: Int32
    private let status = Mutex<Int32?>(nil)

    /// Starts `orchestrion ARGUMENTS`.
    ///
    /// - Parameter service: whether it is one of the commands that can end with their standard input.
    package static func start(_ name: String, _ arguments: [String], service: Bool) throws -> Child {
        let folder = try Running.folder()
        return try Running.start {
            try Child(name, arguments + (service ? ["--end-with-input", "--only-arguments"] : []), folder: folder)
        }
    }

    /// Runs `orchestrion ARGUMENTS` to its end.
    ///
    /// - Returns: what it printed.
    package static func run(_ arguments: [String], service: Bool = false) throws -> Data {
        let child = try start(arguments[0], arguments, service: service)
        while child.ending == nil { Thread.sleep(forTimeInterval: 0.02) }
        guard child.ending == 0 else { throw child.failure }
        return FileManager.default.contents(atPath: child.files.output) ?? Data()
    }

    private init(_ name: String, _ arguments: [String], folder: URL) throws {
        self.name = name
        let base = folder.appendingPathComponent("\(name)-\(UUID().uuidString)").path
        files = (base + ".out", base + ".log")
        let program = try Self.program()
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("a pipe for \(name)") }
        // Other children must not hold this one's lifeline.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, files.output, O_WRONLY | O_CREAT, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, files.log, O_WRONLY | O_CREAT, 0o644)
        // Ctrl-C is this program's to answer, so a child has a group of its own.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = (["orchestrion"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
        guard code == 0 else {
            close(ends[1])
            throw SystemError(program, code: code)
        }
        (self.pid, lifeline) = (pid, ends[1])
    }

    deinit {
        end()
        close(lifeline)
    }

    private static func program() throws -> String {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let path = own.deletingLastPathComponent().appendingPathComponent("orchestrion").path
        guard access(path, X_OK) == 0 else {
            throw MeasurementError("there is no program \(path) to measure; swift build makes it")
        }
        return path
    }

    /// The exit code, or 128 + the signal that ended it; nil while it runs.
    package var ending: Int32? {
        status.withLock { status in
            reap(&status, WNOHANG)
            return status.map { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : 128 + $0 & 0x7F }
        }
    }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        status.withLock { status in
            reap(&status, WNOHANG)
            if status == nil { kill(pid, number) }
        }
    }

    /// Ends it with signal 9, which a stopped process obeys too, and waits for that.
    package func end() {
        status.withLock { status in
            reap(&status, WNOHANG)
            guard status == nil else { return }
            kill(pid, SIGKILL)
            reap(&status, 0)
        }
    }

    private func reap(_ status: inout Int32?, _ options: Int32) {
        guard status == nil else { return }
        var new: Int32 = 0
        var result = waitpid(pid, &new, options)
        while result < 0, errno == EINTR { result = waitpid(pid, &new, options) }
        if result == pid { status = new }
    }

    /// That it ended, and what it said last.
    package var failure: MeasurementError {
        let said = FileManager.default.contents(atPath: files.log).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return MeasurementError("orchestrion \(name) ended with \(ending ?? 0). It said:\n\(said.suffix(2000))")
    }

    /// The most memory that it had at once, in bytes.
    package var mostMemory: Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let count = line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return count * 1024
    }
}
