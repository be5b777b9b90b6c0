import Foundation

/// What this process takes of the machine.
package enum ProcessUse {
    /// Bytes of memory that it has, without what was swapped out; 0 where the system does not say.
    package static var memory: UInt64 {
        // size resident shared …, in pages
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
        return pages * UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Seconds of a processor that all its threads had.
    package static var processorSeconds: Double {
        var use = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &use) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(use.ru_utime) + seconds(use.ru_stime)
    }
}
