import ArgumentParser
import Foundation
import FuzzSupport

/// Feeds files, such as a finding.
struct One: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Feed files, such as a finding, once.")

    @Argument(help: "Where to feed.")
    var entry: FuzzEntry

    @Argument(help: "Files; - is the standard input.")
    var files: [String]

    func run() throws {
        for file in files {
            let handle =
                file == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            let outcome = try entry.feed(Array(try handle.readToEnd() ?? Data()))
            print("\(file): \(outcome)")
        }
    }
}

/// A process for one input.
enum Child {
    /// Runs `one ENTRY -` under limits.
    static func feed(_ input: [UInt8], to entry: FuzzEntry, seconds: Double, memory: Int) throws -> Trial {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ChildFailure() }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        // The limits of the shell's ulimit are of the child alone; those of memory are for its data, twice what is allowed:
        // what it really used is measured.
        let script =
            "ulimit -c 0; ulimit -t \(Int(seconds) + 1); ulimit -d \(memory * 2048); exec \"$0\" one \(entry.rawValue) -"
        let arguments = ["/bin/sh", "-c", script, CommandLine.arguments[0]]
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        var child = pid_t()
        let start = ContinuousClock.now
        guard posix_spawn(&child, "/bin/sh", &actions, nil, pointers, environ) == 0 else { throw ChildFailure() }
        close(ends[0])
        write(input, to: ends[1])
        close(ends[1])
        var (status, usage) = (Int32(0), rusage())
        while wait4(child, &status, 0, &usage) < 0, errno == EINTR {}
        let isClean = status & 0x7F == 0 && (status >> 8) & 0xFF == 0
        let ending: Trial.Ending =
            isClean ? .taken : .broken(status & 0x7F != 0 ? "signal \(status & 0x7F)" : "exit \((status >> 8) & 0xFF)")
        return Trial(ending: ending, seconds: start.seconds, memory: Int(usage.ru_maxrss) << 10)
    }

    private static func write(_ input: [UInt8], to descriptor: Int32) {
        signal(SIGPIPE, SIG_IGN)
        var rest = input[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

struct ChildFailure: Error, CustomStringConvertible {
    let description = "no process could be started: \(String(cString: strerror(errno)))"
}
