import Foundation
import SongPlan

/// A fault on purpose, for tests of everything around an engine: `ORCHESTRION_FAULT`, such as
/// `SIGSEGV song=bad level=2 window=0`. The engine of a worker that has it strikes itself when a window is in its step
/// that is like that; what is left away is like any. In place of a signal, `hang` lets the step never end, and `fail`
/// reports the window as failed. With `alone`, only when the worker has no other window.
struct FaultInjection: Sendable {
    enum Kind: Sendable, Hashable {
        case signal(Int32)
        case hang
        case fail
    }

    let kind: Kind
    private let isAlone: Bool
    private let values: [Substring: Substring]

    private static let signals: [Substring: Int32] = [
        "SIGSEGV": SIGSEGV, "SIGBUS": SIGBUS, "SIGABRT": SIGABRT, "SIGILL": SIGILL, "SIGFPE": SIGFPE,
        "SIGTRAP": SIGTRAP, "SIGKILL": SIGKILL,
    ]

    /// nil when there is none, or it cannot be read.
    init?(_ text: String?) {
        guard let words = text?.split(separator: " "), let first = words.first else { return nil }
        switch first {
        case "hang": kind = .hang
        case "fail": kind = .fail
        default:
            guard let number = Self.signals[first] else { return nil }
            kind = .signal(number)
        }
        isAlone = words.contains("alone")
        values = Dictionary(
            words.dropFirst().filter { $0.contains("=") }.map { word in
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (parts[0], parts[1])
            }, uniquingKeysWith: { first, _ in first })
    }

    static let ofEnvironment = FaultInjection(ProcessInfo.processInfo.environment["ORCHESTRION_FAULT"])

    func strikes(_ task: TaskID, held: Int) -> Bool {
        let own: [Substring: String] = [
            "song": task.song, "sample": "\(task.sample)", "level": "\(task.level)", "window": "\(task.window)",
            "segment": "\(task.segment)",
        ]
        return (!isAlone || held == 1) && values.allSatisfy { item in own[item.key] == String(item.value) }
    }

    /// Ends this process, or never returns.
    func strike() {
        switch kind {
        case .signal(let number):
            signal(number, SIG_DFL)
            kill(getpid(), number)
            sleep(1)
        case .hang: while true { sleep(1000) }
        case .fail: break
        }
    }
}
