package import MetricSnapshots

/// The metrics of workers. A worker counts them from the beginning of its engine's process; a coordinator adds up what its
/// workers tell.
package enum WorkerMetric {
    package static let step = MetricDefinition(
        "orchestrion_worker_step_seconds", .histogram, unit: "seconds", label: "level", bounds: MetricRange.moments,
        "A step of a worker's batch: one token of each running window, and a stretch of a prefill.")
    package static let prefill = MetricDefinition(
        "orchestrion_worker_prefill_seconds", .histogram, unit: "seconds", label: "level", bounds: MetricRange.jobs,
        "From the beginning of a window to its first new token, beside the other windows of the batch.")
    package static let rows = MetricDefinition(
        "orchestrion_worker_batch_rows", .histogram, unit: "rows", label: "level", bounds: MetricRange.rows,
        "Rows of a step.")
    package static let tokens = MetricDefinition(
        "orchestrion_worker_tokens_total", .counter, unit: "tokens", label: "level",
        "Tokens that workers drew, also those that were never journaled.")

    /// What an engine counts.
    package static let counted = [step, prefill, rows, tokens]

    package static let memory = MetricDefinition(
        "orchestrion_worker_memory_bytes", .gauge, unit: "bytes",
        "Memory that the processes of workers have; in a coordinator's answer, of all connected ones together.")

    package static let all = counted + [memory]
}
