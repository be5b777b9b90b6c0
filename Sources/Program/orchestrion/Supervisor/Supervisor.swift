import ArgumentParser
import CProcess
import ClusterProtocol
import Foundation
import ProgramLog
import ServiceNotice
import Synchronization
import WorkerService
import ZeroMQTransport

/// Runs a worker's engine in a process of its own, tells the coordinator how that died and with what in hand, and starts
/// it again, after growing pauses.
final class Supervisor: Sendable {
    private struct State {
        var engine: pid_t?
        /// The signal that ended the worker.
        var stop: Int32?
    }

    private let connection: ConnectionOptions
    /// How long the engine has to leave.
    private let grace: Duration
    private let name: String
    private let machine: String
    private let identity = UUID().uuidString
    private let descriptor: Int32
    private let board: StepBoard
    private let state = Mutex(State())

    private static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(60))
    /// An engine that ran for so long works.
    private static let trial = Duration.seconds(60)
    /// How long a report may take, where nobody answers.
    private static let patience = Duration.seconds(5)

    /// - Returns: nil where there is no memory that two processes could share.
    init?(connection: ConnectionOptions, name: String, machine: String, grace: Duration) {
        self.grace = grace
        descriptor = cprocess_memory_file()
        guard descriptor >= 0, ftruncate(descriptor, off_t(StepBoard.size)) == 0,
            let board = StepBoard(descriptor: descriptor)
        else { return nil }
        (self.connection, self.name, self.machine, self.board) = (connection, name, machine, board)
    }

    /// Serves until it is told to stop. Of the main thread.
    ///
    /// - Throws: `ExitCode` as the engine's process ended.
    func run() throws {
        _ = Interrupt(grace: grace + .seconds(3), code: 0) { [self] in stop() }
        wakeEngine()
        ServiceNotice.process.status("loads the model")
        var (pause, isFirst, hasServed) = (Self.firstPause, true, false)
        while true {
            board.clear()
            let start = ContinuousClock.now
            guard let engine = try startEngine(isFirst: isFirst) else {
                guard wait(pause) else { return }
                pause = min(Self.longestPause, pause * 2)
                continue
            }
            isFirst = false
            let stopped = state.withLock { state in
                state.engine = engine.pid
                return state.stop
            }
            if let stopped { board.stopSignal = stopped }
            let ending = engine.wait()
            let isStopping = state.withLock { state in
                state.engine = nil
                return state.stop != nil
            }
            hasServed = hasServed || board.isReady
            switch judge(ending, isStopping: isStopping, hasServed: hasServed) {
            case .end(0): return
            case .end(let code): throw ExitCode(code)
            case .tryAgain:
                Terminal.log("the engine cannot start now; it is tried again in \(pause / .seconds(1)) s", .warning)
            case .startAgain:
                Terminal.log(
                    "the engine ended: \(describe(ending)); it is started again in \(pause / .seconds(1)) s", .warning)
                report(ending)
            }
            ServiceNotice.process.status("the engine ended, and is started again")
            if start.duration(to: .now) >= Self.trial { pause = Self.firstPause }
            guard wait(pause) else { return }
            pause = min(Self.longestPause, pause * 2)
        }
    }

    /// What follows from an engine's end.
    private enum Verdict {
        case end(Int32)
        /// It worked before with the same options, so what it lacks now, a model's folder for one, may come back. Nobody is
        /// told: it had nothing in hand.
        case tryAgain
        case startAgain
    }

    private func judge(_ ending: EngineProcess.Ending, isStopping: Bool, hasServed: Bool) -> Verdict {
        switch ending {
        case .exited(0): .end(0)
        case .exited(let code) where code != EngineOption.hungCode || board.hungSeconds == 0:
            isStopping || board.isReady || !hasServed ? .end(code) : .tryAgain
        case .exited, .signalled: isStopping ? .end(0) : .startAgain
        }
    }

    /// - Returns: nil when the system has no room for a process just now. One that never had any is told so.
    private func startEngine(isFirst: Bool) throws -> EngineProcess? {
        do {
            return try EngineProcess(EngineOption(descriptor: descriptor, parent: getpid(), identity: identity))
        } catch  where !isFirst {
            Terminal.log("\(error); it is tried again", .warning)
            return nil
        }
    }

    private func stop() {
        ServiceNotice.process.stopping("leaves: what is sampled is handed in")
        ServiceNotice.process.extend(by: grace + .seconds(10))
        state.withLock { $0.stop = SIGTERM }
        board.stopSignal = SIGTERM
    }

    /// From now on the engine logs so much.
    func setLogLevel(_ level: LogLevel) {
        board.logLevel = UInt32((LogLevel.allCases.firstIndex(of: level) ?? 0) + 1)
    }

    private var isStopping: Bool { state.withLock { $0.stop != nil } }

    /// - Returns: false when it was told to stop.
    private func wait(_ pause: Duration) -> Bool {
        let end = ContinuousClock.now + pause
        while ContinuousClock.now < end {
            if isStopping { return false }
            usleep(50_000)
        }
        return !isStopping
    }

    /// An engine that has stopped itself together with this process goes on with it.
    private func wakeEngine() {
        let thread = Thread { [self] in
            var watch = EngineWatch()
            while true {
                usleep(100_000)
                watch.look(board)
                guard board.hasStoppedItself else { continue }
                state.withLock { if let engine = $0.engine { kill(engine, SIGCONT) } }
            }
        }
        thread.stackSize = 256 << 10
        thread.start()
    }

    private func describe(_ ending: EngineProcess.Ending) -> String {
        switch ending {
        case .exited(let code): board.hungSeconds > 0 ? "no step ended in \(board.hungSeconds) s" : "exit code \(code)"
        case .signalled(let number): "signal \(number) (\(String(cString: strsignal(number))))"
        }
    }

    // MARK: the report

    private func report(_ ending: EngineProcess.Ending) {
        do {
            let transport = try connection.makeTransport()
            defer { transport.close(draining: .milliseconds(1000)) }
            let payload = try WireToCoordinator(kind: .died(death(ending))).payload()
            let deadline = ContinuousClock.now + Self.patience
            while ContinuousClock.now < deadline, !isStopping {
                if try transport.send(payload, to: .coordinator) { return }
                _ = try transport.receive(timeout: .milliseconds(100), limit: 16)
            }
        } catch {
            Terminal.log("the coordinator could not be told: \(error)", .warning)
        }
    }

    private func death(_ ending: EngineProcess.Ending) -> WireWorkerDeath {
        var death = WireWorkerDeath()
        death.version = ProtocolVersion.current
        (death.worker, death.machine, death.name) = (identity, machine, name)
        switch ending {
        case .exited(let code): death.exitCode = UInt32(clamping: code)
        case .signalled(let number): death.signal = UInt32(clamping: number)
        }
        death.hungSeconds = UInt32(clamping: board.hungSeconds)
        death.windows = board.windows.map { window in
            var lease = WireLease()
            lease.task = WireTask(window.task)
            lease.epoch = window.epoch
            return lease
        }
        death.alone = board.wasAlone
        return death
    }
}
