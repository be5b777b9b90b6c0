import Synchronization
import SystemErrors

/// The log of this process: where everything goes that a program that serves others has to say.
package enum ProcessLog {
    private static let state = Mutex((log: make("orchestrion", .text, .info), form: LogForm.text))

    /// Before anything is logged.
    ///
    /// - Parameter name: of the part of the program that this process is.
    package static func begin(_ name: String, _ form: LogForm, level: LogLevel) {
        state.withLock { $0 = (make(name, form, level), form) }
        let log = current
        StandardError.setLossNote(form == .text ? nil : { log(StandardError.lossNote($0), .warning) })
    }

    package static var current: Log { state.withLock { $0.log } }

    /// Whether nothing but objects is written, one a line.
    package static var isJSON: Bool { state.withLock { $0.form } == .json }

    private static func make(_ name: String, _ form: LogForm, _ level: LogLevel) -> Log {
        Log(name, form, level: level) { StandardError.write($0) }
    }
}
