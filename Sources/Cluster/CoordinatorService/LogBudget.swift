import ProgramLog

/// What kinds of lines a coordinator's log has that others can bring about: whoever does so again and again must not fill
/// the disk with them.
enum LogKind: String, CaseIterable {
    case songState = "changes of songs"
    case warning = "warnings of songs"
    case lease = "leases that were taken back"
    case blame = "blames"
    case cut = "cuts"
    case worker = "workers that came or went"
    case damagedChunk = "damaged chunks"

    var level: LogLevel {
        switch self {
        case .songState, .cut, .worker: .info
        case .warning, .lease, .blame, .damagedChunk: .warning
        }
    }

    /// Lines a minute.
    fileprivate var most: Int {
        switch self {
        case .songState, .warning, .lease, .blame, .cut, .worker: 200
        case .damagedChunk: 5
        }
    }
}

/// Bounds a log: the first lines of a kind at once, then their number each minute.
struct LogBudget {
    private var told: [LogKind: Int] = [:]
    private var untold: [LogKind: Int] = [:]
    private var begun = 0.0

    private static let interval = 60.0

    /// Whether one more line of a kind is written.
    mutating func mayTell(_ kind: LogKind) -> Bool {
        guard told[kind, default: 0] < kind.most else {
            untold[kind, default: 0] += 1
            return false
        }
        told[kind, default: 0] += 1
        return true
    }

    /// Time has passed.
    ///
    /// - Returns: what to say of those that were too many, when a minute has ended.
    mutating func tick(at now: Double) -> [String] {
        guard now - begun >= Self.interval else { return [] }
        defer { (told, untold, begun) = ([:], [:], now) }
        return LogKind.allCases.compactMap { kind in
            untold[kind].map { "in the last minute there were \($0) more \(kind.rawValue) than are written here" }
        }
    }
}
