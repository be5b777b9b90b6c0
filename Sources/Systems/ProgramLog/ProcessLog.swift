import Synchronization
import SystemErrors

/// The log of this process: where everything goes that a program that serves others has to say.
package enum ProcessLog {
    private struct State {
        var log = ProcessLog.make("orchestrion", .text)
        var form = LogForm.text
    }

    /// What matters less is not written; it counts for all that this process logs, also through a `Log` of before.
    private static let gate = LevelGate(.info)

    private static let state = Mutex(State())

    /// Before anything is logged.
    ///
    /// - Parameter name: of the part of the program that this process is.
    package static func begin(_ name: String, _ form: LogForm, level: LogLevel) {
        gate.level = level
        state.withLock { $0 = State(log: make(name, form), form: form) }
        let log = current
        guard form == .json else { return StandardError.setLossNote(nil) }
        StandardError.setLossNote { count in log(StandardError.lossNote(count), .warning) }
    }

    /// What matters less is not written from now on.
    package static var level: LogLevel {
        get { gate.level }
        set { gate.level = newValue }
    }

    package static var current: Log { state.withLock { $0.log } }

    /// Whether nothing but objects is written, one a line.
    package static var isJSON: Bool { state.withLock { $0.form } == .json }

    fileprivate static func make(_ name: String, _ form: LogForm) -> Log {
        Log(name, form, gate: gate) { StandardError.write($0) }
    }
}
