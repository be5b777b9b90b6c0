import Foundation

/// How far it is, in one line of a terminal, with the time left.
final class Progress {
    private let total: Int
    private let name: String
    private let start = ContinuousClock.now
    private var shownAt = ContinuousClock.now
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(total: Int, of name: String) {
        self.total = total
        self.name = name
    }

    deinit { if isTerminal { FileHandle.standardError.write(Data("\u{1B}[2K\r".utf8)) } }

    func show(_ done: Int) {
        guard isTerminal, shownAt.duration(to: .now) > .milliseconds(500) else { return }
        shownAt = .now
        let left = Int(start.seconds / Double(max(done, 1)) * Double(max(0, total - done)))
        FileHandle.standardError.write(
            Data("\u{1B}[2K\r\(name): \(done) of \(total), \(left / 60) min \(left % 60) s left".utf8))
    }
}

/// What this process used.
enum Memory {
    /// Bytes, at most so far.
    static var mostUsed: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int(usage.ru_maxrss) << 10
    }
}
