import Foundation
import Testing

@testable import ProcessLimits

/// A /proc and /sys of a test's own.
private struct FakeSystem {
    let root: String

    init(_ files: [String: String]) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("limits-\(UUID().uuidString)").path
        let all = files.merging(["/proc/meminfo": "MemTotal: 64000000 kB\nMemAvailable:   62500000 kB\n"]) { a, _ in a }
        for (path, text) in all {
            let url = URL(fileURLWithPath: root + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
    }

    /// Of a machine of 64 processors and 64 GB.
    func limits(_ environment: [String: String] = [:], addressSpace: Int? = nil) -> ProcessLimits {
        defer { try? FileManager.default.removeItem(atPath: root) }
        return ProcessLimits(
            system: SystemFiles(
                root: root, environment: environment, processors: 64, addressSpace: addressSpace))
    }
}

struct ProcessLimitsTests {
    private static let unified = [
        "/proc/self/cgroup": "0::/a.slice/worker.service\n",
        "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
    ]

    private func unified(_ files: [String: String]) throws -> ProcessLimits {
        try FakeSystem(Self.unified.merging(files) { $1 }).limits()
    }

    @Test func `without limits the machine's own numbers count`() throws {
        for files in [[:], Self.unified] {
            let limits = try FakeSystem(files).limits()
            #expect(limits.processors.value == 64 && limits.memory.value == 62_500_000 << 10)
            #expect(limits.description == nil)
        }
    }

    @Test func `version 2's quota and memory are those of the group and of all above it`() throws {
        let own = try unified([
            "/sys/fs/cgroup/a.slice/worker.service/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/a.slice/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a.slice/worker.service/memory.max": "max\n",
            "/sys/fs/cgroup/a.slice/memory.max": "4000000000\n",
            "/sys/fs/cgroup/a.slice/memory.current": "1500000000\n",
            "/sys/fs/cgroup/a.slice/memory.stat": "anon 5\ninactive_file 500000000\n",
        ])
        // One and a half processors keep two threads busy; files that are only cached can be dropped.
        #expect(own.processors.value == 2 && own.memory.value == 3_000_000_000)
        let text = try #require(own.description)
        #expect(text.contains("2 of the machine's 64 processors (cpu.max of its control group allows 1.5)"), "\(text)")
        #expect(text.contains("3.0 GB of its memory (memory.max of its control group is 4.0 GB)"), "\(text)")
        let above = try unified([
            "/sys/fs/cgroup/a.slice/worker.service/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a.slice/cpu.max": "300000 100000",
            "/sys/fs/cgroup/a.slice/worker.service/memory.high": "1000000000\n",
        ])
        #expect(above.processors.value == 3 && above.memory.value == 1_000_000_000)
    }

    @Test func `version 1's are read where their controllers are mounted`() throws {
        let files = [
            "/proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n",
            "/proc/self/mountinfo": """
            33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            34 32 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            35 32 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

            """,
            "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "400000",
            "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
            "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "2000000000",
            "/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "100000000",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        ]
        let limits = try FakeSystem(files).limits()
        #expect(limits.processors.value == 4 && limits.memory.value == 1_900_000_000)
    }

    @Test func `a container that sees only its own group takes the mount for it`() throws {
        let files = [
            "/proc/self/cgroup": "4:cpu:/docker/abc\n0::/../../other\n",
            "/proc/self/mountinfo": """
            33 32 0:30 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
            35 32 0:32 / /sys/fs/cgroup/unified\\040x rw - cgroup2 cgroup2 rw

            """,
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "/sys/fs/cgroup/unified x/memory.max": "3000000000",
        ]
        let limits = try FakeSystem(files).limits()
        #expect(limits.processors.value == 2 && limits.memory.value == 3_000_000_000)
    }

    @Test func `what is no limit, or no number, limits nothing`() throws {
        for text in [
            "max 100000", "-1 100000", "0 100000", "100000 0", "", "many", "9 9 9", "100000", "1e300 1", "inf 1",
            "nan 1",
        ] {
            #expect(try unified(["/sys/fs/cgroup/a.slice/cpu.max": text]).processors.value == 64, "\(text)")
        }
        for text in ["max", "", "-1", "99999999999999999999", "9223372036854771712", "lots"] {
            #expect(try unified(["/sys/fs/cgroup/a.slice/memory.max": text]).memory.reason == nil, "\(text)")
        }
        let tiny = try unified(["/sys/fs/cgroup/a.slice/cpu.max": "1000 100000"])
        #expect(tiny.processors.value == 1)
        let full = try unified([
            "/sys/fs/cgroup/a.slice/memory.max": "1000", "/sys/fs/cgroup/a.slice/memory.current": "5000",
        ])
        #expect(full.memory.value == 0)
    }

    @Test func `affinity, Slurm and ulimit narrow it too`() throws {
        let lists = ["0-1,63": 3, "5": 1, "0-63": 64, "": 64, "x": 64, "7-3": 64, "0-": 64]
        for (list, count) in lists {
            let affinity = try FakeSystem(["/proc/self/status": "Name:\tx\nCpus_allowed_list:\t\(list)\n"]).limits()
            #expect(affinity.processors.value == count, "\(list)")
            #expect(affinity.description?.contains("may run on \(count)") == (count < 64 ? true : nil), "\(list)")
        }
        let slurm = ["SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "16", "SLURM_MEM_PER_NODE": "8192"]
        #expect(try FakeSystem([:]).limits(slurm).processors.value == 16)
        #expect(try FakeSystem([:]).limits(slurm).memory.value == 8192 << 20)
        let four = slurm.merging(["SLURM_STEP_TASKS_PER_NODE": "4(x2),1"]) { $1 }
        #expect(try FakeSystem([:]).limits(four).processors.value == 4)
        let two = slurm.merging(["SLURM_CPUS_PER_TASK": "2"]) { $1 }
        #expect(try FakeSystem([:]).limits(two).processors.value == 2)
        let perProcessor = ["SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "2", "SLURM_MEM_PER_CPU": "1024"]
        #expect(try FakeSystem([:]).limits(perProcessor).memory.value == 2048 << 20)
        // Left over from a shell that is no job.
        #expect(try FakeSystem([:]).limits(["SLURM_CPUS_PER_TASK": "2"]).processors.value == 64)
        let odd = ["SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "-2", "SLURM_MEM_PER_NODE": "99999999999999999999"]
        #expect(try FakeSystem([:]).limits(odd).description == nil)
        #expect(try FakeSystem([:]).limits(addressSpace: 1 << 30).memory.value == 1 << 30)
    }

    @Test func `this process has at least one processor and some memory`() {
        let limits = ProcessLimits.current
        #expect((1...limits.machineProcessors).contains(limits.processors.value))
        #expect(limits.memory.value > 0)
    }
}
