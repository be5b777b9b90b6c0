import Foundation

/// Plans for numbers of workers: the table of `orchestrion plan`.
struct PlanTable: Encodable {
    struct Level: Encodable {
        var level: Int
        var windows: Int
        var newTokens: Int
        /// Of a token, in those of the plainest level.
        var cost: Double
    }
    struct Row: Encodable {
        var workers: Int
        /// Of each level that is cut; 1 is exact mode.
        var segments: Int
        var tokensPerSecond: Double
        /// Until all is sampled.
        var seconds: Double
        /// Of the workers' time, how much exact mode's tokens need.
        var efficiency: Double
        /// Times faster than the first worker alone.
        var speedup: Double
    }
    var model: String
    var songSeconds: Double
    var samples: Int
    var songs: Int
    var levels: [Level]
    /// Seconds that one song takes any number of usual workers.
    var chainSeconds: Double
    /// Seconds of one usual worker for all of it.
    var workSeconds: Double
    var workerBytes: Int
    var bytesPerSlot: Int
    var coordinatorBytes: Int
    var rows: [Row]
}

extension PlanTable {
    var text: String {
        var lines = [
            String(
                format: "%@, %.1f s of audio, %d %@%@", model, songSeconds, samples,
                samples == 1 ? "sample" : "samples", songs == 1 ? "" : ", \(songs) songs")
        ]
        var rows = [["level", "windows", "new tokens", "cost of a token"]]
        for level in levels.reversed() {
            rows.append([
                "\(level.level)", "\(level.windows * samples * songs)", "\(level.newTokens * samples * songs)",
                String(format: "%.2f", level.cost),
            ])
        }
        lines.append(PlanText.table(rows))
        lines.append(
            "a usual worker needs \(PlanText.time(workSeconds)), any number of them \(PlanText.time(chainSeconds)) at least"
        )
        lines.append(
            "memory: a worker \(Terminal.bytes(workerBytes)) for weights and \(Terminal.bytes(bytesPerSlot)) a slot; "
                + "the coordinator \(Terminal.bytes(coordinatorBytes)) for tokens")
        rows = [["workers", "segments", "tokens/s", "finish", "speed-up", "efficiency", "worker hours"]]
        for row in self.rows {
            rows.append([
                "\(row.workers)", row.segments == 1 ? "exact" : "\(row.segments)",
                String(format: "%.5g", row.tokensPerSecond), PlanText.time(row.seconds),
                String(format: "%.2f", row.speedup), String(format: "%.0f %%", row.efficiency * 100),
                String(format: "%.3g", Double(row.workers) * row.seconds / 3600),
            ])
        }
        return (lines + [PlanText.table(rows)]).joined(separator: "\n")
    }
}
