import Foundation

/// Where limits are read: the live system, or a folder that a test made.
package struct SystemFiles: Sendable {
    /// Before the paths of /proc and /sys.
    package var root: String
    package var environment: [String: String]
    /// Processors of the machine that are on line.
    package var processors: Int
    /// Bytes of address space that `ulimit -v` leaves; nil without one.
    package var addressSpace: Int?

    package init(
        root: String, environment: [String: String] = [:], processors: Int, addressSpace: Int? = nil
    ) {
        self.root = root
        self.environment = environment
        self.processors = processors
        self.addressSpace = addressSpace
    }

    static var live: SystemFiles {
        var files = SystemFiles(
            root: "", environment: ProcessInfo.processInfo.environment,
            processors: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        files.addressSpace = files.addressSpaceLeft()
        return files
    }

    func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }

    func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// The number after a word at the beginning of a line.
    func number(_ word: String, in path: String) -> Int? {
        for line in text(path)?.split(separator: "\n") ?? [] {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1, words[0] == word || words[0] == "\(word):" { return Int(words[1]) }
        }
        return nil
    }

    /// Bytes that programs can have; 8 GB where the system does not say.
    var freeMemory: Int { number("MemAvailable", in: "/proc/meminfo").map { $0 << 10 } ?? 8 << 30 }

    /// Processors that this process may run on; nil when the system does not say.
    var allowedProcessors: Int? {
        // "Cpus_allowed_list:	0-3,8"
        guard
            let line = text("/proc/self/status")?.split(separator: "\n").first(where: {
                $0.hasPrefix("Cpus_allowed_list:")
            })
        else { return nil }
        let ranges = line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces).split(separator: ",")
        let counts = ranges.map { range -> Int in
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
            guard (1...2).contains(ends.count), ends.allSatisfy({ (0...1 << 20).contains($0) }) else { return 0 }
            return max(0, ends[ends.count - 1] - ends[0] + 1)
        }
        let count = counts.reduce(0, +)
        return count > 0 ? count : nil
    }

    private func addressSpaceLeft() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < UInt64(Int.max / 2)
        else { return nil }
        let used = (number("VmSize", in: "/proc/self/status") ?? 0) << 10
        return max(0, Int(limit.rlim_cur) - used)
    }
}
