import ArgumentParser
import Checkpoint
import Foundation
import HTTPGateway
import JukeboxModel
import MusicBox
import ProgramLog
import SongPlan
import WorkerService
import ZeroMQTransport

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker: it samples the windows that a coordinator assigns.",
        discussion: """
            A worker may come, go or be killed at any time; what it had not handed in yet is sampled again by others, \
            with the same tokens.

            Example:
              orchestrion worker --connect tcp://studio:5550 --server-key coordinator.key.pub --key me.key \
                  --model /models/1b_lyrics
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    @Option(help: ArgumentHelp("The model's folder; \(MusicBox.name) is the one that ships.", valueName: "dir|name"))
    var model: String = MusicBox.name

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "How numbers are kept: f32 (weights as stored), f16 (the default), or int8 (half the memory of f16); "
                + "the coordinator's must be the same.",
            valueName: "profile"))
    var profile: NumericProfile = .standard

    @Option(
        help: ArgumentHelp("The levels to serve, with commas (default: all that the folder has).", valueName: "0,1"))
    var levels: String?

    @OptionGroup var compute: ThreadOptions

    @Option(help: "Windows that run as one batch (default: 16, or what memory allows).")
    var slots: Int?

    @Option(
        help: ArgumentHelp(
            "Memory for weights and windows (default: nine tenths of what is free). Where it does not hold the weights of "
                + "all levels, they take turns.", valueName: "GB"))
    var memory: Double?

    @Option(help: "A name for people (default: host and process).")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Serve the worker's own figures there for Prometheus, at /metrics, to anybody; the coordinator has them, too.",
            valueName: "host:port"))
    var metrics: String?

    @Option(
        help: ArgumentHelp(
            "How long it may take to leave after SIGTERM or Ctrl-C: nothing more is sampled, what there is is handed in, and "
                + "the windows go to others at once. Mostly that takes a moment. A second signal ends it at once.",
            valueName: "seconds"))
    var grace: Double = 20

    @Option(help: ArgumentHelp("What a supervisor tells the engine's process.", visibility: .hidden))
    var engine: EngineOption?

    @Option(help: ArgumentHelp("Seconds after which a step that has not ended counts as hung.", visibility: .hidden))
    var hangAfter: Double?

    @OptionGroup(title: "Log") var logging: LogOptions
    @OptionGroup(title: "Configuration") var configuration: ConfigurationOptions

    @OptionGroup var lifeline: LifelineOptions

    func validate() throws {
        guard hangAfter.map({ $0 > 0 && $0 < 1e6 }) ?? true else {
            throw ValidationError("--hang-after must be above 0")
        }
        guard (0...3600).contains(grace) else { throw ValidationError("--grace must be 0 to 3600 seconds") }
        if let metrics { _ = try HTTPOptions.endpoint(metrics, option: "--metrics") }
        guard (1...256).contains(slots ?? 1) else { throw ValidationError("--slots must be 1 to 256") }
        guard memory.map({ $0 > 0 && $0 <= 1e6 }) ?? true else {
            throw ValidationError("--memory must be above 0 GB, and at most 1000000")
        }
    }

    func run() throws {
        logging.begin(engine == nil ? "supervisor" : "worker")
        lifeline.watch()
        Signals.outliveReaders()
        let machine = MachineIdentity.find(key: try connection.settings().key)
        if let engine { return try runEngine(board: engine.enter(), machine: machine) }
        let name = name ?? Self.name(of: getpid())
        guard
            let supervisor = Supervisor(
                connection: connection, name: name, machine: machine, grace: patience)
        else {
            return try runEngine(board: nil, machine: machine)
        }
        Reload.onHangUp(Self.self, ["--log-level", "--config"], status: { "serves" }) { now in
            supervisor.setLogLevel(now.logging.logLevel)
            return Reload.take(now.logging)
        }
        try supervisor.run()
    }

    private var patience: Duration { .milliseconds(Int64(grace * 1000)) }

    /// For people: host and process.
    private static func name(of process: pid_t) -> String { "\(ProcessInfo.processInfo.hostName):\(process)" }

    /// - Parameter board: what a supervisor sees.
    private func runEngine(board: StepBoard?, machine: String) throws {
        let stop = StopLatch()
        if let engine, let board { engine.follow(board, stop: stop.pull) }
        compute.sayLimits { Terminal.log($0) }
        try connection.checkHost()
        // A key that cannot be read is told before a large model is.
        let transport = try connection.makeTransport()
        let model = try Model(path: MusicBox.path(of: model), preset: preset, profile: profile)
        let served = try chosenLevels(of: model)
        let name = name ?? Self.name(of: engine?.parent ?? getpid())
        let start = ContinuousClock.now
        Terminal.log("loads \(model.name), levels \(served.map(String.init).joined(separator: ", "))")
        if let note = model.folder.neighbourNote { Terminal.log(note) }
        var options = Worker.Options(
            name: name, levels: served, threads: compute.threads, slots: slots,
            memory: memory.map { Int($0 * 1e9) })
        options.log = ProcessLog.current
        (options.identity, options.machine, options.board) = (engine?.identity, machine, board)
        options.hang = hangAfter.map { HangSettings(all: .milliseconds(Int64($0 * 1000))) } ?? HangSettings()
        let worker = try Worker(model: model, options: options)
        board?.isReady = true
        let seconds = start.duration(to: .now) / .seconds(1)
        let place = try connection.settings().connect
        Terminal.log(
            String(format: "ready after %.1f s with %d slots, connects to %@", seconds, worker.slots, place))
        if let slots, worker.slots < slots {
            Terminal.log(
                "warning: memory holds \(worker.slots) of the \(slots) windows that --slots asks for", .warning)
        }
        let page = serveMetrics(of: worker)
        defer { page?.stop() }
        let leave: @Sendable () -> Void = {
            Terminal.log("leaves: what is sampled is handed in")
            worker.leave(within: patience)
        }
        if engine == nil { _ = Interrupt(grace: patience + .seconds(2), code: 0, leave) }
        stop.whenPulled(leave)
        defer { transport.close(draining: .milliseconds(500)) }
        do {
            try worker.run(transport: transport, place: place)
        } catch let hung as EngineHung {
            Terminal.log("\(hung): the engine is ended", .error)
            board?.hungSeconds = max(1, hung.seconds)
            _exit(EngineOption.hungCode)
        } catch let stopped as WorkerStopped {
            Terminal.log("refused by the coordinator: \(stopped.description)", .error)
            throw ExitCode(1)
        }
        Terminal.log("stopped")
    }

    /// Nothing that goes wrong with it ends a worker.
    private func serveMetrics(of worker: Worker) -> HTTPService? {
        guard let metrics else { return nil }
        do {
            let place = try HTTPOptions.place(HTTPOptions.endpoint(metrics, option: "--metrics"))
            let page = try HTTPService(
                host: place.host, port: place.port, answerer: MetricsPage { worker.metrics }, option: "--metrics")
            Terminal.log("serves its figures on http://\(page.address)/metrics")
            return page
        } catch {
            Terminal.log("warning: no figures are served: \(error)", .warning)
            return nil
        }
    }

    private func chosenLevels(of model: Model) throws -> [Int] {
        let all = model.geometry.levels.indices
        guard let levels else {
            let present = model.folder.levels.filter(all.contains)
            guard !present.isEmpty else { throw ValidationError("\(self.model) has no prior of any level") }
            return present
        }
        let chosen = try levels.split(separator: ",").map { text in
            guard let level = Int(text), all.contains(level) else {
                throw ValidationError("--levels: \(text) is not one of the model's levels, 0 to \(all.count - 1)")
            }
            return level
        }
        guard !chosen.isEmpty else { throw ValidationError("--levels names no level") }
        return Set(chosen).sorted()
    }
}
