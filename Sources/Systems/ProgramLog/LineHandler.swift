import Logging

/// The end of swift-log: makes a line of what is logged, and hands it over.
struct LineHandler: LogHandler {
    /// Of a log of its own; nil where a gate says it for many.
    private var ownLevel: Logger.Level
    private let gate: LevelGate?
    var logLevel: Logger.Level {
        get { gate?.level.ofLogger ?? ownLevel }
        set { ownLevel = newValue }
    }
    var metadata: Logger.Metadata = [:]
    private let take: @Sendable (LogLine) -> Void

    init(level: Logger.Level, take: @escaping @Sendable (LogLine) -> Void) {
        (ownLevel, gate, self.take) = (level, nil, take)
    }

    init(gate: LevelGate, take: @escaping @Sendable (LogLine) -> Void) {
        (ownLevel, self.gate, self.take) = (.info, gate, take)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    // Releases of swift-log that Swift 6.1 takes do not have events.
    #if compiler(>=6.2)
        func log(event: LogEvent) { take(event.level, event.message, event.metadata) }
    #endif

    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
        function: String, line: UInt
    ) { take(level, message, metadata) }

    private func take(_ level: Logger.Level, _ message: Logger.Message, _ own: Logger.Metadata?) {
        let all = own.map { metadata.merging($0) { $1 } } ?? metadata
        let known = ["song", "worker", "task"]
        let order = known.filter { all[$0] != nil } + all.keys.filter { !known.contains($0) }.sorted()
        take(
            LogLine(
                level: level.rawValue, words: message.description,
                fields: order.compactMap { name in all[name].map { (name, "\($0)") } }))
    }
}
