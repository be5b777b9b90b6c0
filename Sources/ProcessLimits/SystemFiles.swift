package import Foundation

/// Where limits are read: the live system, or a folder that a test made.
package struct SystemFiles: Sendable {
    /// Before the paths of /proc and /sys.
    package var root: String
    package var environment: [String: String]
    /// Processors of the machine that are on line.
    package var processors: Int
    /// Processors that this process may run on; nil when the system does not say.
    package var allowedProcessors: Int?
    /// Bytes of address space that `ulimit -v` leaves; nil without one.
    package var addressSpace: Int?

    package init(
        root: String, environment: [String: String] = [:], processors: Int, allowedProcessors: Int? = nil,
        addressSpace: Int? = nil
    ) {
        self.root = root
        self.environment = environment
        self.processors = processors
        self.allowedProcessors = allowedProcessors
        self.addressSpace = addressSpace
    }

    static var live: SystemFiles {
        let allowed = processorsOfThread()
        var files = SystemFiles(
            root: "", environment: ProcessInfo.processInfo.environment,
            processors: max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), allowed ?? 1), allowedProcessors: allowed)
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

    /// Processors that the calling thread may run on; nil when the system does not say.
    private static func processorsOfThread() -> Int? {
        #if canImport(Glibc)
            // The kernel refuses a set that is too small for the machine.
            var bytes = MemoryLayout<cpu_set_t>.size
            while bytes <= 1 << 20 {
                let set = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
                defer { set.deallocate() }
                memset(set, 0, bytes)
                if sched_getaffinity(0, bytes, set.assumingMemoryBound(to: cpu_set_t.self)) == 0 {
                    let count = UnsafeRawBufferPointer(start: set, count: bytes).reduce(0) { $0 + $1.nonzeroBitCount }
                    return count > 0 ? count : nil
                }
                bytes *= 2
            }
        #endif
        return nil
    }

    private func addressSpaceLeft() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < UInt64(Int.max / 2)
        else { return nil }
        let used = (number("VmSize", in: "/proc/self/status") ?? 0) << 10
        return max(0, Int(limit.rlim_cur) - used)
    }
}
