import ClusterClient
import Foundation

/// Shows a song's progress until it ends.
struct SongFollower {
    let client: ClusterClient
    let song: String
    var isQuiet = false
    /// Gets every look at the song.
    var onLook: (SongProgress) throws -> Void = { _ in }

    /// - Returns: how it ended.
    /// - Throws: `ClientError` when the coordinator is gone for minutes, and what `onLook` throws.
    func run() throws -> SongProgress {
        var lines = LiveLines()
        let start = ContinuousClock.now
        var nextLine = start + .seconds(2)
        var looks = Waiting(for: client.follow(song: song))
        var last: SongProgress?
        while let look = try looks.next() {
            let (now, workers) = (look.song, look.workers.count)
            last = now
            try onLook(now)
            // Older coordinators do not say how old a song is.
            let seconds = now.ageSeconds > 0 ? now.ageSeconds : start.duration(to: .now) / .seconds(1)
            if !isQuiet, Terminal.isInteractive {
                lines.draw(SongView.lines(now, workers: workers, elapsed: seconds))
            } else if !isQuiet, ContinuousClock.now >= nextLine {
                nextLine = .now + .seconds(5)
                Terminal.note(SongView.line(now, workers: workers))
            }
        }
        guard let last else { throw CommandError("nothing is known of \(song)") }
        return last
    }
}

/// How a song's progress looks.
enum SongView {
    private static func approximate(_ song: SongProgress) -> String {
        song.segments > 1 ? "  approximate: \(song.segments) segments" : ""
    }

    private static func reason(_ song: SongProgress) -> String {
        song.state == .parked ? "\(song.reason); orchestrion resume \(song.song) lets it go on" : song.reason
    }

    static func line(_ song: SongProgress, workers: Int) -> String {
        var text = "\(song.song)  \(song.state)  \(Int(song.share * 100)) %\(approximate(song))"
        text +=
            "  " + song.levels.reversed().map { "level \($0.level): \($0.tokens)/\($0.total)" }.joined(separator: ", ")
        if song.stageShare > 0 {
            text += "  \(Int(song.stageShare * 100)) % of this stage, \(Terminal.duration(song.stageSecondsLeft)) left"
        } else if song.tokensPerSecond > 0 {
            text += String(format: "  %.0f tokens/s", song.tokensPerSecond)
            if song.state == .sampling { text += "  \(Terminal.duration(song.secondsLeft)) left" }
        }
        text += "  \(workers) \(workers == 1 ? "worker" : "workers")"
        if !song.waiting.isEmpty { text += "  waits: \(song.waiting)" }
        return song.reason.isEmpty ? text : text + "  \(reason(song))"
    }

    static func lines(_ song: SongProgress, workers: Int, elapsed: Double) -> [String] {
        var head = "\(song.song)  \(song.state)\(approximate(song))  \(Terminal.duration(elapsed)) elapsed"
        var details = ""
        if song.state == .sampling, song.tokensPerSecond > 0 {
            head += ", \(Terminal.duration(song.secondsLeft)) left"
            details = String(format: "  %.0f tokens/s", song.tokensPerSecond)
        }
        if song.stageShare > 0 {
            head +=
                "  \(Int(song.stageShare * 100)) % of \(song.state), \(Terminal.duration(song.stageSecondsLeft)) left"
        }
        details += "  \(song.running) running on \(workers) \(workers == 1 ? "worker" : "workers")"
        if song.state == .sampling, workers == 0 { details += "  (waiting for a worker)" }
        let isWide = (head + details).count < Terminal.size.columns || !Terminal.drawsOutput
        var lines = isWide ? [head + details] : [head, details]
        for level in song.levels.reversed() where level.total > 0 {
            let share = min(1, Double(level.tokens) / Double(level.total))
            let percent = "\(Int(share * 100)) %"
            lines.append(
                "  level \(level.level)  \(Terminal.bar(share, width: Terminal.size.columns < 96 ? 12 : 24)) \(String(repeating: " ", count: max(0, 5 - percent.count)))"
                    + "\(percent)  \(level.tokens) of \(level.total) tokens, \(level.windowsDone) of \(level.windows) windows"
            )
        }
        if !song.waiting.isEmpty { lines.append("  waits: \(song.waiting)") }
        if !song.reason.isEmpty { lines.append("  \(reason(song))") }
        return lines
    }
}
