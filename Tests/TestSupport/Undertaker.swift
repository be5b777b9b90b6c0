import Foundation
import Synchronization

/// Sees to it that no started process outlives the tests, however they end: at a normal exit, and through a shell
/// that waits for the end of a pipe if this process is killed.
final class Undertaker: Sendable {
    static let shared = Undertaker()

    private let living = Mutex<Set<pid_t>>([])
    /// Standard input of the shell; -1 when it could not be started.
    private let pipe: Int32

    private init() {
        pipe = Self.startWatch()
        atexit { Undertaker.shared.killAll() }
    }

    func started(_ pid: pid_t) {
        living.withLock {
            _ = $0.insert(pid)
            tell("+ \(pid)")
        }
    }

    /// A pid that was waited for may be used again, so it must not be killed later.
    func ended(_ pid: pid_t) {
        living.withLock {
            $0.remove(pid)
            tell("- \(pid)")
        }
    }

    private func killAll() {
        living.withLock { for pid in $0 { kill(pid, SIGKILL) } }
    }

    private func tell(_ line: String) {
        guard pipe >= 0 else { return }
        let bytes = Array("\(line)\n".utf8)
        _ = write(pipe, bytes, bytes.count)
    }

    private static func startWatch() -> Int32 {
        let script = """
            trap '' INT TERM HUP
            living=' '
            while read -r sign pid; do
              case $sign in
                +) living="$living$pid " ;;
                -) living="${living%% $pid *} ${living#* $pid }" ;;
              esac
            done
            for pid in $living; do kill -9 $pid 2>/dev/null; done
            """
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { return -1 }
        // Or the tests' own children would keep the pipe open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        // The runner's output ends when all its holders have ended; the shell must not be one that others wait for.
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var pid: pid_t = 0
        let code = withCStrings(["sh", "-c", script]) { posix_spawn(&pid, "/bin/sh", &actions, nil, $0, [nil]) }
        close(ends[0])
        if code == 0 { return ends[1] }
        close(ends[1])
        return -1
    }
}
