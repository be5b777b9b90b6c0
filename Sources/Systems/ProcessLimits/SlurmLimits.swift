/// What a Slurm job gives each of its tasks, where the cluster does not bind them (its environment says so).
struct SlurmLimits {
    let processors: ProcessLimits.Limit?
    let memory: ProcessLimits.Limit?

    init(_ environment: [String: String]) {
        func number(_ name: String) -> Int? {
            // "2(x3),1": the first nodes' number.
            let digits = environment[name]?.prefix { $0.isASCII && $0.isNumber }
            return digits.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        }
        guard number("SLURM_JOB_ID") != nil else {
            (processors, memory) = (nil, nil)
            return
        }
        let tasks = number("SLURM_STEP_TASKS_PER_NODE") ?? number("SLURM_NTASKS_PER_NODE") ?? 1
        let each = number("SLURM_CPUS_PER_TASK")
        let share = number("SLURM_CPUS_ON_NODE").map { max(1, $0 / tasks) }
        processors = (each ?? share).map {
            ProcessLimits.Limit(value: $0, reason: "Slurm gave each task \($0)")
        }
        // Both in MiB.
        let perNode = number("SLURM_MEM_PER_NODE").map { $0 / tasks }
        let perProcessor = number("SLURM_MEM_PER_CPU").map { min($0, 1 << 40) * min(each ?? share ?? 1, 1 << 12) }
        memory = (perNode ?? perProcessor).flatMap { mebibytes in
            guard mebibytes > 0, mebibytes < 1 << 40 else { return nil }
            let bytes = mebibytes << 20
            return ProcessLimits.Limit(value: bytes, reason: "Slurm gave each task \(ProcessLimits.size(bytes))")
        }
    }
}
