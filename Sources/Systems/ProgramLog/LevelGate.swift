import Synchronization

/// How much is logged, for all who log through it; it may change at any time.
final class LevelGate: Sendable {
    private let state: Mutex<LogLevel>

    init(_ level: LogLevel) { state = Mutex(level) }

    var level: LogLevel {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
