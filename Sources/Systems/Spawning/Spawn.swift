package import Foundation

/// Why a program or a pipe to it cannot be had.
package struct SpawnError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Of the system (`errno`).
    package var code: Int32
    package var description: String { String(cString: strerror(code)) }
}

/// A program that is started with descriptors of its parent's. Foundation's `Process` waits for a child by a run loop, which
/// can miss its end.
package struct Spawn {
    /// With the program's path, or its name alone, which is looked for in `PATH`.
    package var command: [String]
    /// What it takes for its name; nil is the path.
    package var called: String?
    /// Added to this process's.
    package var environment: [String: String]
    /// Nil is nothing.
    package var input: Int32?
    /// Nil drops it.
    package var output: Int32?
    /// Nil is the parent's.
    package var error: Int32?

    package init(
        command: [String], called: String? = nil, environment: [String: String] = [:], input: Int32? = nil,
        output: Int32? = nil, error: Int32? = nil
    ) {
        (self.command, self.called, self.environment) = (command, called, environment)
        (self.input, self.output, self.error) = (input, output, error)
    }

    /// - Throws: `SpawnError` when the system refuses.
    package func start() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        add(input, STDIN_FILENO, O_RDONLY, to: &actions)
        add(output, STDOUT_FILENO, O_WRONLY, to: &actions)
        if let error { posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO) }
        // A group of its own: Ctrl-C is the parent's to answer, which may be ignoring signals just now.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] =
            ([called ?? command[0]] + command.dropFirst()).map { strdup($0) } + [nil]
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command[0], &actions, &attributes, &words, &settings)
        guard code == 0 else { throw SpawnError(code: code) }
        return pid
    }

    private func add(
        _ descriptor: Int32?, _ target: Int32, _ mode: Int32, to actions: inout posix_spawn_file_actions_t
    ) {
        if let descriptor {
            posix_spawn_file_actions_adddup2(&actions, descriptor, target)
        } else {
            posix_spawn_file_actions_addopen(&actions, target, "/dev/null", mode, 0)
        }
    }

    /// A pipe whose ends no other child inherits.
    ///
    /// - Throws: `SpawnError`.
    package static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw SpawnError(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// How a child has ended, by what `waitpid` says: its exit code, or 128 + the signal.
    package static func ending(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// - Returns: what `waitpid` says; nil when the child runs and `options` has `WNOHANG`.
    package static func reap(_ pid: pid_t, _ options: Int32 = 0) -> Int32? {
        var status: Int32 = 0
        var result = waitpid(pid, &status, options)
        while result < 0, errno == EINTR { result = waitpid(pid, &status, options) }
        return result == pid ? status : nil
    }
}
