import Logging

/// How much a line of a log matters.
package enum LogLevel: String, Sendable, Hashable, CaseIterable {
    /// For whoever looks for a fault of the program.
    case debug
    /// What happens.
    case info
    /// Something is not as it should be; the program goes on by itself.
    case warning
    /// Something ended that should not have.
    case error

    var ofLogger: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

/// What a line of a log is about, apart from its words.
package struct LogFields: Sendable, Hashable {
    package var song: String?
    /// A worker's name.
    package var worker: String?
    /// A window, as everywhere in the log.
    package var task: String?

    package init(song: String? = nil, worker: String? = nil, task: String? = nil) {
        (self.song, self.worker, self.task) = (song, worker, task)
    }

    /// Those that are there, in this order.
    var all: [(name: String, value: String)] {
        [("song", song), ("worker", worker), ("task", task)].compactMap { name, value in value.map { (name, $0) } }
    }
}

/// Where a program logs: the one door to swift-log. Any thread; it never throws, and never waits longer than whoever writes
/// the lines.
package struct Log: Sendable {
    private let logger: Logger
    private let cleaned: @Sendable (String) -> String

    init(_ logger: Logger) { self.init(logger, cleaned: { $0 }) }

    private init(_ logger: Logger, cleaned: @escaping @Sendable (String) -> String) {
        (self.logger, self.cleaned) = (logger, cleaned)
    }

    /// Hands over the words of each line and nothing else.
    package init(_ write: @escaping @Sendable (String) -> Void) {
        self.init(Logger(label: "") { _ in LineHandler(level: .debug) { write($0.words) } })
    }

    /// Writes lines of a form.
    ///
    /// - Parameters:
    ///   - name: of the part of the program that logs.
    ///   - level: what matters less is left away.
    ///   - write: takes a whole line, with its end.
    package init(
        _ name: String, _ form: LogForm, level: LogLevel = .info, write: @escaping @Sendable (String) -> Void
    ) {
        self.init(
            Logger(label: name) { name in
                LineHandler(level: level.ofLogger) { write(form.line($0, logger: name)) }
            })
    }

    /// The same, with a level that may change later.
    init(_ name: String, _ form: LogForm, gate: LevelGate, write: @escaping @Sendable (String) -> Void) {
        self.init(
            Logger(label: name) { name in LineHandler(gate: gate) { write(form.line($0, logger: name)) } })
    }

    /// The same, where words and fields are changed before they are written: much of them comes from peers.
    package func cleaning(_ clean: @escaping @Sendable (String) -> String) -> Log { Log(logger, cleaned: clean) }

    package func callAsFunction(
        _ text: @autoclosure () -> String, _ level: LogLevel = .info,
        _ fields: @autoclosure () -> LogFields = LogFields()
    ) {
        logger.log(
            level: level.ofLogger, "\(cleaned(text()))",
            metadata: Dictionary(uniqueKeysWithValues: fields().all.map { ($0.name, "\(cleaned($0.value))") }))
    }
}
