import Foundation

/// What the control groups of this process allow, and those above them.
struct ControlGroups {
    /// Processors' worth of time, such as 1.5.
    let processors: (value: Double, reason: String)?
    /// Bytes that can still be had.
    let memory: ProcessLimits.Limit?

    init(_ system: SystemFiles) {
        let hierarchies = Self.hierarchies(system)
        var quota: (value: Double, reason: String)?
        var room: ProcessLimits.Limit?
        for hierarchy in hierarchies {
            for folder in hierarchy.folders {
                if let found = hierarchy.quota(system, folder), found.value < quota?.value ?? .infinity {
                    quota = found
                }
                if let found = hierarchy.room(system, folder), found.value < room?.value ?? .max { room = found }
            }
        }
        (processors, memory) = (quota, room)
    }

    /// One tree of groups, and the process's place in it.
    private struct Hierarchy {
        let isUnified: Bool
        /// Of the process's group, and of all above it that can be seen from here.
        let folders: [String]

        /// Processors' worth of time.
        func quota(_ system: SystemFiles, _ folder: String) -> (value: Double, reason: String)? {
            let words: [String]
            let name = isUnified ? "cpu.max" : "cpu.cfs_quota_us"
            if isUnified {
                words = (system.text("\(folder)/cpu.max") ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
            } else {
                words = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].compactMap { system.number("\(folder)/\($0)") }
                    .map(String.init)
            }
            guard words.count == 2, let time = Double(words[0]), let period = Double(words[1]), time > 0, period > 0,
                case let value = time / period, value < 1e6
            else { return nil }
            let text = value == value.rounded() ? "\(Int(value))" : "\((value * 100).rounded() / 100)"
            return (value, "\(name) of its control group allows \(text)")
        }

        /// Bytes that are left of a group's memory. What is only a copy of files can be dropped, and counts as free.
        func room(_ system: SystemFiles, _ folder: String) -> ProcessLimits.Limit? {
            let limits = isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
            let (used, cache) =
                isUnified ? ("memory.current", "inactive_file") : ("memory.usage_in_bytes", "total_inactive_file")
            var best: ProcessLimits.Limit?
            for name in limits {
                // Without a limit: `max`, or a number near 2⁶³.
                guard let limit = system.number("\(folder)/\(name)"), limit >= 0, limit < 1 << 60 else { continue }
                let held = system.number("\(folder)/\(used)") ?? 0
                let droppable = min(max(0, system.number(cache, in: "\(folder)/memory.stat") ?? 0), max(0, held))
                let left = max(0, limit - max(0, held - droppable))
                if left < best?.value ?? .max {
                    best = ProcessLimits.Limit(
                        value: left, reason: "\(name) of its control group is \(ProcessLimits.size(limit))")
                }
            }
            return best
        }
    }

    /// The trees that are mounted here and have to do with processors or memory.
    private static func hierarchies(_ system: SystemFiles) -> [Hierarchy] {
        // hierarchy:controllers:path, where version 2 has no controllers.
        let own = (system.text("/proc/self/cgroup") ?? "").split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        }.filter { $0.count == 3 }
        return (system.text("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            // … root mountpoint options … - type source controllers
            let halves = line.split(separator: " - ", maxSplits: 1).map { $0.split(separator: " ").map(String.init) }
            guard halves.count == 2, halves[0].count > 4, let type = halves[1].first else { return nil }
            let (root, mount) = (unescaped(halves[0][3]), unescaped(halves[0][4]))
            let controllers = Set((halves[1].last ?? "").split(separator: ",").map(String.init))
            let path: String?
            switch type {
            case "cgroup2": path = own.first { $0[1].isEmpty }?[2]
            case "cgroup" where !controllers.isDisjoint(with: ["cpu", "memory"]):
                path = own.first { !controllers.isDisjoint(with: $0[1].split(separator: ",").map(String.init)) }?[2]
            default: return nil
            }
            guard let path else { return nil }
            return Hierarchy(isUnified: type == "cgroup2", folders: folders(path, root: root, mount: mount))
        }
    }

    /// From a group up to the highest that is mounted. Of a path outside what is mounted (as in a container that sees
    /// only its own group) the mount itself is the group.
    private static func folders(_ path: String, root: String, mount: String) -> [String] {
        let (path, root) = (names(path), names(root))
        guard !path.contains(".."), path.starts(with: root) else { return [mount] }
        let below = path.dropFirst(root.count)
        return (0...below.count).reversed().map { count in
            ([mount] + below.prefix(count)).joined(separator: "/")
        }
    }

    private static func names(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    /// Blanks are written in octal there.
    private static func unescaped(_ text: String) -> String {
        text.replacingOccurrences(of: "\\040", with: " ").replacingOccurrences(of: "\\011", with: "\t")
            .replacingOccurrences(of: "\\134", with: "\\")
    }
}
