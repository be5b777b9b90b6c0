import Foundation
import Synchronization
import SystemErrors

/// Signals that ask the program to end: Ctrl-C, SIGTERM, and SIGHUP unless it was started with that ignored (nohup).
///
/// A command that serves others reads its settings again on SIGHUP instead (`onHangUp`), unless its terminal is gone, which is
/// what the signal says to whoever has one.
///
/// Without an `Interrupt` the first one ends it at once. With one, the command has a moment to end by itself; after
/// that, or on a second signal, it ends at once all the same, wherever it is. The exit code is 128 and the signal's
/// number.
enum Signals {
    private struct State {
        var handler: (grace: Duration, code: Int32?, run: @Sendable (Int32) -> Void)?
        /// What is left to be done at an end at once, by number.
        var cleanups: [Int: @Sendable () -> Void] = [:]
        var next = 0
        var reload: (@Sendable () -> Void)?
        /// It was started with SIGHUP ignored, so that it outlives its terminal.
        var outlivesTerminal = false
        var hadTerminal = false
    }

    private static let state = Mutex(State())

    /// Before anything else of the program.
    static func install() {
        // What is too large for a limit is an error of writing, which is told; what nobody reads ends the program.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_DFL)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (mailbox, slot) = (ends[0], ends[1])
        for number in [SIGINT, SIGTERM] { signal(number, post) }
        let former = signal(SIGHUP, post)
        let isIgnored = unsafeBitCast(former, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        if isIgnored { signal(SIGHUP, SIG_IGN) }
        state.withLock { ($0.outlivesTerminal, $0.hadTerminal) = (isIgnored, hasTerminal) }
        Thread { watch() }.start()
    }

    /// Of a command that serves others: nobody reading what it says is no reason to end.
    static func outliveReaders() {
        signal(SIGPIPE, SIG_IGN)
        StandardError.neverWait()
    }

    /// Has something done on SIGHUP, as often as it comes.
    static func onHangUp(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.reload = body }
        signal(SIGHUP, post)
    }

    private static var hasTerminal: Bool {
        let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        if terminal >= 0 { close(terminal) }
        return terminal >= 0
    }

    /// What a SIGHUP asks for; nil: to end.
    private static func reloading() -> (@Sendable () -> Void)? {
        let known = state.withLock { $0 }
        guard let reload = known.reload, known.hadTerminal, !known.outlivesTerminal else { return known.reload }
        // The kernel takes the terminal away a moment after it sends the signal.
        usleep(50_000)
        return hasTerminal ? reload : nil
    }

    private static func watch() {
        var first: Int32?
        var deadline: ContinuousClock.Instant?
        while true {
            var waiting = pollfd(fd: mailbox, events: Int16(POLLIN), revents: 0)
            let left = deadline.map { max(0, ContinuousClock.now.duration(to: $0) / .milliseconds(1)) }
            let count = poll(&waiting, 1, left.map { Int32($0.rounded(.up)) } ?? -1)
            if count == 0, let first { end(first) }
            var number: UInt8 = 0
            guard count > 0, read(mailbox, &number, 1) == 1 else { continue }
            if Int32(number) == SIGHUP, first == nil, let reload = reloading() {
                reload()
                continue
            }
            guard first == nil, let handler = state.withLock({ $0.handler }) else { end(first ?? Int32(number)) }
            first = Int32(number)
            deadline = .now + handler.grace
            handler.run(Int32(number))
        }
    }

    private static func end(_ number: Int32) -> Never {
        let (cleanups, code) = state.withLock { ($0.cleanups.values, $0.handler?.code) }
        for cleanup in cleanups { cleanup() }
        _exit(code ?? 128 + number)
    }

    fileprivate static func handle(
        grace: Duration, code: Int32?, _ run: @escaping @Sendable (Int32) -> Void
    ) { state.withLock { $0.handler = (grace, code, run) } }

    fileprivate static func leave() { state.withLock { $0.handler = nil } }

    /// Has something done when a signal ends the program at once, until `forget`.
    static func cleanUp(_ body: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.next += 1
            state.cleanups[state.next] = body
            return state.next
        }
    }

    static func forget(_ cleanup: Int) { state.withLock { $0.cleanups[cleanup] = nil } }
}

/// The pipe from the handler of a signal, which may do next to nothing, to the thread that acts.
nonisolated(unsafe) private var (mailbox, slot): (Int32, Int32) = (-1, -1)

private let post: @convention(c) (Int32) -> Void = { number in
    let before = errno
    var byte = UInt8(truncatingIfNeeded: number)
    if write(slot, &byte, 1) != 1 { _exit(128 + number) }
    errno = before
}

/// While it lives, calls something on the first signal that asks the program to end.
final class Interrupt: Sendable {
    private let number = Atomic<Int32>(0)

    /// - Parameters:
    ///   - grace: how long the command has to end by itself.
    ///   - code: the exit code after that; nil is the signal's.
    init(grace: Duration = .seconds(2), code: Int32? = nil, _ handler: @escaping @Sendable () -> Void) {
        Signals.handle(grace: grace, code: code) { [self] number in
            self.number.store(number, ordering: .relaxed)
            handler()
        }
    }

    /// Until it is called, or the program ends.
    func leave() { Signals.leave() }

    /// Whether there was a signal.
    var isRaised: Bool { number.load(ordering: .relaxed) != 0 }

    /// Of a command that a signal ended.
    var exitCode: Int32 { 128 + number.load(ordering: .relaxed) }
}

/// A folder for what a command needs only while it runs; a signal removes it, too.
final class ScratchFolder {
    let url: URL
    private let cleanup: Int

    init() {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("orchestrion-\(UUID().uuidString)")
        self.url = url
        cleanup = Signals.cleanUp { try? FileManager.default.removeItem(at: url) }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
        Signals.forget(cleanup)
    }
}
