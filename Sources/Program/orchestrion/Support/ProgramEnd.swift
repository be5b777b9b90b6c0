import ArgumentParser
import Foundation
import ProgramLog
import SystemErrors

/// How the program ends.
enum ProgramEnd {
    /// Threads still compute, which an orderly end would trip over. Of the main thread.
    nonisolated(unsafe) static var isAbrupt = false

    /// Says why it ends: where all that is said are objects, as one of them.
    private static func tell(_ error: any Error) {
        guard !(error is ExitCode) else { return }
        let message = Orchestrion.fullMessage(for: error)
        if ProcessLog.isJSON { ProcessLog.current(message, .error) } else { StandardError.write(message + "\n") }
    }

    /// Ends it with an error, whatever runs.
    static func now(_ error: any Error) -> Never {
        tell(error)
        try? StandardOutput.flush()
        StandardError.flush()
        _exit(Orchestrion.exitCode(for: error).rawValue)
    }
}

/// How many files, connections among them, the program may have open.
enum OpenFiles {
    private static let (least, most): (rlim_t, rlim_t) = (32, 65_536)

    /// Descriptors 0, 1 and 2 that are closed are taken, so that no file or connection gets them, into which a log would
    /// then be written. What cannot be written there is an error as before.
    static func fillStandardStreams() {
        for (number, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(number, F_GETFD) < 0 {
            // The lowest that is free.
            _ = open("/dev/null", flags)
        }
    }

    /// Takes as many as the system allows.
    ///
    /// - Throws: `CommandError` when they are too few for anything.
    static func prepare() throws {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(files, &limit) == 0 else { return }
        guard limit.rlim_max >= least else {
            throw CommandError(
                "only \(limit.rlim_max) files may be open at once, and \(least) are needed: raise the limit (ulimit -n)"
            )
        }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, most))
        setrlimit(files, &limit)
    }
}

/// Address space that this process may use (`ulimit -v`).
enum AddressSpace {
    /// Bytes. Libraries, the stacks of threads and the allocator's reserves take much of it that is never memory.
    private static let least: rlim_t = 1 << 30

    /// Ends the program when it is too little for anything: later a thread or an allocation would be refused, which nobody
    /// can catch, and libraries would wait at the end for threads that they did not get.
    static func check() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < least else { return }
        Terminal.note(
            "Error: only \(limit.rlim_cur >> 10) kB of address space are allowed (ulimit -v), and at least \(least >> 10) are "
                + "needed, and more for a large model: raise that limit")
        _exit(1)
    }
}
