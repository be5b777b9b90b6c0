import Foundation
import SystemErrors

/// What is being measured and how much time is left, on standard error: a line that is drawn again on a terminal, and
/// otherwise a line every ten seconds.
package final class MeasurementProgress {
    private let total: Double
    private var (done, weight) = (0.0, 0.0)
    private var step = ""
    private var isShown = false
    private let begin = ContinuousClock.now
    private var next = ContinuousClock.now
    private static let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// - Parameter total: the sum of all steps' weights.
    package init(total: Double) { self.total = total }

    /// - Parameter weight: about how long the step takes beside the others.
    package func begin(_ step: String, weight: Double = 1) {
        done += self.weight
        (self.step, self.weight) = (step, weight)
        next = .now
        update(0)
    }

    /// - Parameter share: of the step, 0 to 1.
    package func update(_ share: Double) {
        guard ContinuousClock.now >= next else { return }
        next = .now + (Self.isTerminal ? .milliseconds(200) : .seconds(10))
        let all = (done + weight * share) / total
        let seconds = begin.duration(to: .now) / .seconds(1)
        var text = String(format: "%3.0f %%  %@", all * 100, step)
        if all > 0.01 { text += ", \(Self.clock(seconds * (1 - all) / all)) left" }
        StandardError.write(Self.isTerminal ? "\r\u{1B}[2K\(text)" : text + "\n")
        isShown = Self.isTerminal
    }

    /// Says something on a line of its own.
    package func say(_ text: String) {
        clear()
        StandardError.write(text + "\n")
    }

    package func clear() {
        if isShown { StandardError.write("\r\u{1B}[2K") }
        isShown = false
    }

    private static func clock(_ seconds: Double) -> String {
        let total = Int(seconds.rounded(.up))
        return total < 3600
            ? String(format: "%d:%02d", total / 60, total % 60)
            : String(format: "%d:%02d:%02d", total / 3600, total / 60 % 60, total % 60)
    }
}
