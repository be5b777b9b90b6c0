import Foundation
import ProgramLog
import SystemErrors

/// What people see on standard error: log lines and progress.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Whether lines that are drawn again have the screen to themselves: what goes into a pipe is printed.
    static let drawsOutput = isInteractive && isatty(STDOUT_FILENO) == 1

    /// Columns and rows of the terminal.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static func note(_ text: String) { StandardError.write(text + "\n") }

    /// A line of the log.
    static func log(_ text: String, _ level: LogLevel = .info) { ProcessLog.current(text, level) }

    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "long" }
        let total = Int(max(0, seconds).rounded(.up))
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        let clock = String(format: "%02d:%02d", minutes, rest)
        return hours > 0 ? "\(hours):\(clock)" : clock
    }

    static func bytes(_ count: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(count)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : String(format: value < 10 ? "%.1f %@" : "%.0f %@", value, units[unit])
    }

    static func bar(_ share: Double, width: Int = 24) -> String {
        let full = min(width, max(0, Int(share * Double(width))))
        return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Lines on a terminal that are drawn again in place.
struct LiveLines {
    private var height = 0

    mutating func draw(_ all: [String]) {
        let lines = Self.fitted(all, to: Terminal.size)
        var text = height > 0 ? "\u{1B}[\(height)A" : ""
        for line in lines { text += "\r\u{1B}[2K\(line)\n" }
        if height > lines.count { text += "\u{1B}[J" }
        height = lines.count
        StandardError.write(text)
    }
}

extension LiveLines {
    /// Lines that a terminal shows in as many rows: longer ones would be broken, and not be drawn over.
    static func fitted(_ lines: [String], to size: (columns: Int, rows: Int)) -> [String] {
        let rows = max(1, size.rows - 1)
        var shown = lines
        if lines.count > rows { shown = lines.prefix(rows - 1) + ["… \(lines.count - rows + 1) more lines"] }
        return shown.map { $0.count < size.columns ? $0 : $0.prefix(max(1, size.columns - 2)) + "…" }
    }
}

/// A line that says how far something is, when it takes more than a moment.
struct ProgressLine {
    private let name: String
    private let total: Int?
    private let amount: (Int) -> String
    private let start = ContinuousClock.now
    private var shown = false
    private var next = ContinuousClock.now + .seconds(Terminal.isInteractive ? 1 : 2)

    /// - Parameters:
    ///   - total: nil where nobody knows it.
    ///   - amount: how so much of the total is told.
    init(_ name: String, total: Int?, amount: @escaping (Int) -> String = Terminal.bytes) {
        self.name = name
        self.total = total
        self.amount = amount
    }

    mutating func update(_ done: Int) {
        guard ContinuousClock.now >= next else { return }
        // A log gets a line now and then.
        let isLine = !Terminal.isInteractive
        next = .now + (isLine ? .seconds(10) : .milliseconds(200))
        shown = !isLine
        let text = "\(name)  \(amount(done))\(total.map { rest(done, of: $0) } ?? "")"
        StandardError.write(isLine ? "\(text)\n" : "\r\u{1B}[2K\(text)")
    }

    private func rest(_ done: Int, of total: Int) -> String {
        let seconds = start.duration(to: .now) / .seconds(1)
        let left = done > 0 ? seconds * Double(total - done) / Double(done) : 0
        return " of \(amount(total)), \(Terminal.duration(left)) left"
    }

    func finish() {
        if shown { StandardError.write("\r\u{1B}[2K") }
    }
}
