import Foundation

/// What this process may use of its machine: processors and memory, with who says so.
///
/// A machine's own numbers are too large in a container, under a batch system, or under `taskset`. The tightest of these
/// counts: the processors that the process may run on (which cpusets and Slurm's binding narrow), the quota of its
/// control groups (`cpu.max` and `memory.max` of version 2, `cpu.cfs_quota_us` and `memory.limit_in_bytes` of version 1,
/// of the group and all above it), what a Slurm job was given, and `ulimit -v`.
package struct ProcessLimits: Sendable {
    /// A number, and who says so; nil when the machine has no more.
    package struct Limit: Sendable, Equatable {
        package var value: Int
        package var reason: String?
    }

    /// Threads that are of use, at least 1.
    package let processors: Limit
    /// Bytes that can still be had.
    package let memory: Limit
    /// What the machine has.
    package let machineProcessors: Int

    /// Of this process, as it is now.
    package static var current: ProcessLimits { ProcessLimits(system: .live) }

    /// - Parameter system: where the numbers are read.
    package init(system: SystemFiles) {
        let groups = ControlGroups(system)
        let slurm = SlurmLimits(system.environment)
        machineProcessors = max(1, system.processors)
        let counts = [
            system.allowedProcessors.map { Limit(value: $0, reason: "it may run on \($0) of them") },
            groups.processors.map { Limit(value: Int($0.value.rounded(.up)), reason: $0.reason) }, slurm.processors,
        ]
        processors = Self.tightest([Limit(value: machineProcessors)] + counts.compactMap(\.self), atLeast: 1)
        let bytes = [groups.memory, slurm.memory, system.addressSpace.map { Limit(value: $0, reason: "ulimit -v") }]
        memory = Self.tightest([Limit(value: system.freeMemory)] + bytes.compactMap(\.self), atLeast: 0)
    }

    private static func tightest(_ limits: [Limit], atLeast least: Int) -> Limit {
        var best = limits[0]
        for limit in limits.dropFirst() where limit.value < best.value { best = limit }
        best.value = max(least, best.value)
        return best
    }

    /// What narrows the process, for people; nil when it has the whole machine.
    package var description: String? {
        var parts: [String] = []
        if let reason = processors.reason, processors.value < machineProcessors {
            parts.append("\(processors.value) of the machine's \(machineProcessors) processors (\(reason))")
        }
        if let reason = memory.reason { parts.append("\(Self.size(memory.value)) of its memory (\(reason))") }
        return parts.isEmpty ? nil : parts.joined(separator: " and ")
    }

    static func size(_ bytes: Int) -> String {
        bytes < 1_000_000_000
            ? String(format: "%.0f MB", Double(bytes) / 1e6) : String(format: "%.1f GB", Double(bytes) / 1e9)
    }
}
