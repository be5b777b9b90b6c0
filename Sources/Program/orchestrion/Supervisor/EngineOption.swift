import ArgumentParser
import CProcess
import Foundation
import ProgramLog
import WorkerService

/// What a supervisor tells the process in which it runs a worker's engine.
struct EngineOption: ExpressibleByArgument {
    /// The exit code of an engine that ended because no step did.
    static let hungCode: Int32 = 86

    let descriptor: Int32
    let parent: pid_t
    let identity: String

    init(descriptor: Int32, parent: pid_t, identity: String) {
        (self.descriptor, self.parent, self.identity) = (descriptor, parent, identity)
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",").map(String.init)
        guard parts.count == 3, let descriptor = Int32(parts[0]), let parent = pid_t(parts[1]) else { return nil }
        self.init(descriptor: descriptor, parent: parent, identity: parts[2])
    }

    var argument: String { "\(descriptor),\(parent),\(identity)" }

    /// In the engine's process: ends with its parent, stops and goes on with it, and leaves signals to it.
    ///
    /// - Returns: what the parent sees after this process's death; nil without one.
    func enter() -> StepBoard? {
        _ = cprocess_end_with_parent()
        if getppid() != parent { _exit(1) }
        // All of a group may get them; the parent says what is to be done.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        return StepBoard(descriptor: descriptor)
    }

    /// Follows the parent on a thread of its own.
    ///
    /// - Parameter stop: called once, with the signal that ends the worker.
    func follow(_ board: StepBoard, stop: @escaping @Sendable (Int32) -> Void) {
        let thread = Thread { [self] in
            let path = "/proc/\(parent)/stat"
            var hasStopped = false
            while true {
                if !hasStopped, board.stopSignal != 0 {
                    hasStopped = true
                    stop(board.stopSignal)
                }
                let level = Int(board.logLevel)
                if level > 0, level <= LogLevel.allCases.count { ProcessLog.level = LogLevel.allCases[level - 1] }
                if Self.isStopped(path) {
                    // `kill` may return before the process stops, so this is taken back only when the parent runs again.
                    board.hasStoppedItself = true
                    kill(getpid(), SIGSTOP)
                } else if board.hasStoppedItself {
                    board.hasStoppedItself = false
                }
                usleep(25_000)
            }
        }
        thread.stackSize = 256 << 10
        thread.start()
    }

    /// Whether a process is stopped, of its file in /proc: the letter after its name, which may hold anything.
    private static func isStopped(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { bytes in
            let count = read(file, bytes.baseAddress!, bytes.count)
            guard count > 0, let name = bytes[..<count].lastIndex(of: UInt8(ascii: ")")), name + 2 < count else {
                return false
            }
            return bytes[name + 2] == UInt8(ascii: "T") || bytes[name + 2] == UInt8(ascii: "t")
        }
    }
}
