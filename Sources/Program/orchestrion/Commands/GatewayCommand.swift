import ArgumentParser
import CoordinatorService
import Foundation
import MusicBox
import ServiceNotice
import SystemErrors

struct GatewayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Serve the HTTP API of a coordinator that runs elsewhere.",
        discussion: """
            The same as coordinator --http, in a process of its own. It keeps nothing that matters: it may be killed \
            and started at any time. Its key sees the songs that the coordinator lets it see; with the role admin, all.

            Plans, pictures and times of lyrics are made here, of the models that this machine has.

            Example:
              orchestrion gateway --connect tcp://10.0.0.1:5550 --server-key coordinator.key.pub --key gateway.key \
            --http 127.0.0.1:8080
              curl http://127.0.0.1:8080/api/v1/songs
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup(title: "HTTP API") var http: HTTPOptions

    @Option(help: ArgumentHelp("A model's folder; may be given several times.", valueName: "dir|name"))
    var model: [String] = []

    @Option(help: ArgumentHelp("A folder of models' folders; may be given several times.", valueName: "dir"))
    var models: [String] = []

    @OptionGroup var compute: ThreadOptions
    @OptionGroup(title: "Configuration") var configuration: ConfigurationOptions
    @OptionGroup var lifeline: LifelineOptions

    func validate() throws {
        guard http.http != nil else { throw ValidationError("--http HOST:PORT is missing, such as 127.0.0.1:8080") }
        try http.check(standardTokens: nil)
        for folder in models where !FileManager.default.fileExists(atPath: folder) {
            throw ValidationError("--models: there is no folder \(folder)")
        }
    }

    func run() throws {
        lifeline.watch()
        Signals.outliveReaders()
        let registry = ModelRegistry(places: models)
        for name in model { try registry.add(path: MusicBox.path(of: name)) }
        if let folder = MusicBox.folder { try registry.addOwn(path: folder.path) }
        let settings = try connection.settings()
        let scratch = ScratchFolder()
        let service = try GatewayService(
            http, standardTokens: nil, folder: scratch.url,
            tools: GatewayTools(registry: registry, threads: compute.threads)
        ) { mayWait in try ConnectionOptions.client(settings, mayWait: mayWait) }
        _ = Interrupt(code: 0) {
            ServiceNotice.process.stopping("stops")
            service.stop()
        }
        let status = "serves the HTTP API on http://\(service.address)/api/v1"
        Reload.onHangUp(Self.self, ["--config"], status: { status }) { _ in [] }
        ServiceNotice.process.ready(status)
        service.keepAlive()
        service.wait()
        Terminal.log("stopped")
    }
}
