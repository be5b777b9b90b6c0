import Foundation
import WorkerService

/// The process in which a supervisor runs the worker's engine: this program once more.
struct EngineProcess {
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    let pid: pid_t

    /// Of the main thread, with which it ends.
    ///
    /// - Throws: `CommandError` when it cannot be started.
    init(_ option: EngineOption) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // What ends with standard input is this process; the engine ends with it.
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let own = CommandLine.arguments.dropFirst().filter { $0 != "--end-with-input" }
        var words: [UnsafeMutablePointer<CChar>?] =
            ([CommandLine.arguments.first ?? "orchestrion"] + own + ["--engine", option.argument]).map { strdup($0) }
            + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, nil, &words, environ)
        guard code == 0 else {
            throw CommandError("the worker's engine cannot be started: \(String(cString: strerror(code)))")
        }
        self.pid = pid
    }

    /// Waits for its end.
    func wait() -> Ending {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }
}
