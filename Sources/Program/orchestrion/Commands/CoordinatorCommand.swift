import ArgumentParser
import ClusterClient
import ClusterProtocol
import CoordinatorCore
import CoordinatorService
import Foundation
import Journal
import JukeboxModel
import MusicBox
import ProgramLog
import ServiceNotice
import StateCopy
import Synchronization
import SystemErrors
import ZeroMQTransport

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Run a coordinator: it plans songs, hands windows to workers, keeps and decodes what they sample.",
        discussion: """
            Everything that was acknowledged is in DIR (a journal and the songs); a coordinator that is started again \
            with the same --state goes on where it was.

            On loopback anyone on this machine may connect. On other addresses, peers need a key (orchestrion keys \
            new makes a pair), which orchestrion keys allow puts into DIR/allowed-keys, before the coordinator is \
            started or while it runs. They know the coordinator by its own key, DIR/coordinator.key.pub.

            Example:
              orchestrion keys allow --state /var/lib/orchestrion me.key.pub --name me
              orchestrion coordinator --listen tcp://0.0.0.0:5550 --state /var/lib/orchestrion --model /models/1b_lyrics
            """)

    @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "tcp://host:port"))
    var listen: String = ConnectionOptions.defaultEndpoint

    @Option(help: ArgumentHelp("The folder of journal and songs.", valueName: "dir"))
    var state: String

    @Option(
        help: ArgumentHelp(
            "A model's folder; may be given several times. Workers of other models are refused. Without it any model's "
                + "workers may come until the first song.",
            valueName: "dir|name"))
    var model: [String] = []

    @Option(
        help: ArgumentHelp(
            "A folder of models' folders; may be given several times. Songs may name the models in it, too, and no others: "
                + "a client cannot have any folder of this machine opened.",
            valueName: "dir"))
    var models: [String] = []

    @Option(help: "The geometry of model folders without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "How numbers are kept: f32 (weights as stored), f16 (the default), or int8 (half the memory of f16). "
                + "Workers of another profile are refused.",
            valueName: "profile"))
    var profile: NumericProfile = .standard

    @OptionGroup var compute: ThreadOptions

    @Option(
        help: ArgumentHelp("Our key pair (default DIR/coordinator.key, made when it is not there).", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("Public keys that may connect (default DIR/allowed-keys).", valueName: "file"))
    var allow: String?

    @Flag(help: "Use keys on loopback, too.")
    var secure = false

    @Flag(help: "Let anyone connect who can reach the address.")
    var insecure = false

    @Option(
        help: ArgumentHelp(
            "Seconds without a sign of life after which a worker's windows go to others.", valueName: "seconds"))
    var lease: Double = 5

    @Option(
        help: ArgumentHelp(
            "The share of windows that two machines sample and that count only where they agree, 0 to 1; besides, each "
                + "machine's first one at each level. It finds machines that give wrong tokens; 0 looks at none. Needs two "
                + "machines.",
            valueName: "share"))
    var verifyShare: Double = 0.02

    @Option(
        help: ArgumentHelp(
            "Remove songs this many days after they have ended, with their files; without it they stay until "
                + "orchestrion remove.", valueName: "days"))
    var keepFor: Double?

    @Option(
        help: ArgumentHelp(
            "Let DIR take this much of its disk, such as 500G, and no more: then assignments stop until there is room.",
            valueName: "size"))
    var quota: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Keep a copy of the state there, on another disk or machine, at most two seconds behind: a folder, or "
                + "ssh://[USER@]HOST[:PORT]/PATH, where orchestrion must be installed, too. The copy has the coordinator's secret "
                + "key.", valueName: "dir|ssh://…"))
    var copyTo: String?

    @Option(
        help: ArgumentHelp(
            "Go on from a copy that --copy-to of another coordinator wrote into this folder. That one must be gone; --state "
                + "names a new folder. Given again, it goes on with that.", valueName: "dir"))
    var restore: String?

    @Option(help: ArgumentHelp("Write the address that is listened on into this file.", valueName: "file"))
    var endpointFile: String?

    @OptionGroup(title: "HTTP API") var http: HTTPOptions

    @Flag(help: ArgumentHelp("Wait for room on a full disk, also with --end-with-input.", visibility: .hidden))
    var waitForRoom = false

    @OptionGroup(title: "Log") var logging: LogOptions
    @OptionGroup(title: "Configuration") var configuration: ConfigurationOptions

    @OptionGroup var lifeline: LifelineOptions

    func validate() throws {
        do { if let copyTo { _ = try CopyPlace(copyTo) } } catch { throw ValidationError("--copy-to: \(error)") }
        do { _ = try TCPEndpoint(parsing: listen) } catch { throw ValidationError("--listen: \(error)") }
        guard preset == nil || !model.isEmpty || !models.isEmpty else {
            throw ValidationError("--preset is for --model")
        }
        guard (0...1).contains(verifyShare) else { throw ValidationError("--verify-share must be 0 to 1") }
        for folder in models where !FileManager.default.fileExists(atPath: folder) {
            throw ValidationError("--models: there is no folder \(folder)")
        }
        guard (0.2...3600).contains(lease) else { throw ValidationError("--lease must be 0.2 to 3600 seconds") }
        if let keepFor, !(0.001...36_500).contains(keepFor) {
            throw ValidationError("--keep-for must be 0.001 to 36500 days")
        }
        if insecure, key != nil || allow != nil {
            throw ValidationError("--insecure is without keys; leave it away, or --key and --allow")
        }
        try http.check(standardTokens: HTTPOptions.tokens(inState: state))
        if secure, insecure { throw ValidationError("--secure and --insecure exclude each other") }
    }

    func run() throws {
        logging.begin("coordinator")
        lifeline.watch()
        Signals.outliveReaders()
        NewBeginning.tell()
        PrivateFiles.begin()
        if let restore { try Self.restore(restore, state) }
        PrivateFiles.tighten(state) { Terminal.log($0) }
        compute.sayLimits { Terminal.log($0) }
        let registry = ModelRegistry(preset: preset, profile: profile, places: models)
        let server = try CoordinatorServer(state: state, registry: registry, options: serverOptions())
        for name in model {
            Terminal.log("reads the model \(name)")
            try server.allow(path: MusicBox.path(of: name))
        }
        // Songs may name the model that ships, whatever else is served.
        if let folder = MusicBox.folder {
            try server.persist("the model that ships") { try registry.addOwn(path: folder.path) }
        }
        _ = Interrupt(grace: copyTo == nil ? .seconds(2) : .seconds(6), code: 0) {
            ServiceNotice.process.stopping("stops; the state is complete at any time")
            server.stop()
        }
        guard let (security, list, note) = try server.waitUntilDone("the coordinator's keys", security) else { return }
        let transport = try ZeroMQServer(
            listen: listen, security: security, allowsOpenNetwork: insecure, context: ZeroMQContext())
        if let list { transport.follow(list) { Terminal.log($0) } }
        let gateway = try startGateway(registry)
        NewBeginning.prepare(
            ["--listen": transport.endpoint].merging(gateway.map { ["--http": $0.service.address] } ?? [:]) { $1 })
        Terminal.log("listens on \(transport.endpoint)\(note)")
        if let endpointFile {
            let endpoint = transport.endpoint
            try server.persist("the file of the address") { try OutputFile.replace(endpointFile, with: endpoint) }
        }
        reload(server, transport.endpoint)
        ServiceNotice.process.ready("listens on \(transport.endpoint)")
        try server.run(transport: gateway.map { JoinedTransport(transport, $0.network) } ?? transport)
        gateway?.service.stop()
        transport.close(draining: .milliseconds(200))
        Terminal.log("stopped; the state in \(state) is complete")
    }

    private func serverOptions() throws -> CoordinatorServer.Options {
        // The demo, which starts one for itself, is to hear of a full disk rather than to wait for room.
        var options = CoordinatorServer.Options(
            threads: compute.threads, waitsForRoom: !lifeline.endWithInput || waitForRoom)
        options.log = ProcessLog.current
        options.sign = { ServiceNotice.process.alive() }
        options.keepFor = keepFor.map { $0 * 86_400 }
        options.quota = quota?.bytes
        options.settings.lease = .milliseconds(Int64(lease * 1000))
        options.settings.verifyShare = verifyShare
        options.settings.verifySecret = UInt64.random(in: .min ... .max)
        options.allowedKeys = allow
        options.settings.heartbeat = .milliseconds(min(1000, Int64(lease * 200)))
        if let copyTo {
            let place = try CopyPlace(copyTo)
            try OutputFolder.make(state)
            let identity = try CopyIdentity.ofState(state)
            try place.checkTakeover(identity)
            options.copy = (place, identity)
        }
        return options
    }

    /// Makes a state of a copy, before anything else is done with it.
    private static func restore(_ copy: String, _ state: String) throws {
        let done = try StateRestoration(of: copy, in: state) { Terminal.log($0) }
        guard let journal = done.journal else {
            return Terminal.log("\(state) came of the copy in \(copy) before, and goes on")
        }
        let age = Date().timeIntervalSince1970 - done.time
        Terminal.log(
            "goes on from the copy in \(copy): \(journal.songs) songs, \(journal.records) records, \(done.files) files; it was "
                + "written last \(age >= 0 ? "\(Terminal.duration(age)) ago" : "at a time that is yet to come, by its clock"). "
                + "The coordinator that kept it is out from now on")
        for song in journal.again {
            Terminal.log(
                "song \(song) was finished, and its files are made again: the copy has its tokens and not all files")
        }
        for song in journal.lost {
            Terminal.log(
                "song \(song) was finished, and its files are not in the copy: submit it again under another id",
                .warning)
        }
    }

    /// Takes up on SIGHUP what may change. The list of keys and the tokens of the HTTP API are read again whenever their files
    /// change, so there is nothing to do for them.
    private func reload(_ server: CoordinatorServer, _ endpoint: String) {
        let status = "listens on \(endpoint)"
        let bounds = KnownBounds(self)
        Reload.onHangUp(
            Self.self, ["--quota", "--keep-for", "--log-level", "--config"], status: { status }
        ) { now in
            let isNew = bounds.take(now)
            if isNew { server.change(quota: now.quota?.bytes, keepFor: now.keepFor.map { $0 * 86_400 }) }
            return (isNew ? ["other bounds for the state"] : []) + Reload.take(now.logging)
        }
    }

    /// The HTTP API in this process; nil when it is not wanted.
    private func startGateway(_ registry: ModelRegistry) throws -> (service: GatewayService, network: InMemoryNetwork)?
    {
        guard http.http != nil else { return nil }
        let network = InMemoryNetwork()
        let service = try GatewayService(
            http, standardTokens: HTTPOptions.tokens(inState: state), folder: URL(fileURLWithPath: state + "/http"),
            tools: GatewayTools(registry: registry, threads: compute.threads)
        ) { mayWait in
            ClusterClient(
                ClientConnection(transport: network.makeClient(), place: "the coordinator in this process"),
                mayWait: mayWait)
        }
        return (service, network)
    }

    /// With the list of keys that is followed, and what to say of it all.
    private func security() throws -> (ServerSecurity, list: AllowListFile?, note: String) {
        let isOpen = !secure && key == nil && allow == nil && (insecure || ZeroMQServer.isLoopback(listen))
        guard !isOpen else { return (.open, nil, insecure ? ", open to anyone who can reach it" : "") }
        try OutputFolder.make(state)
        let keyFile = key ?? KeyListOptions.coordinatorKey(inState: state)
        let isNew = !FileManager.default.fileExists(atPath: keyFile)
        if isNew {
            guard key == nil else {
                throw ValidationError("--key: there is no \(keyFile); orchestrion keys new makes one")
            }
            try KeyListOptions.makeCoordinatorKey(keyFile)
        }
        let pair = try KeyFile.readPair(keyFile)
        if key == nil { try KeyFile.writeMissingHalf(of: pair, at: keyFile) }
        let file = AllowListFile(path: allow ?? KeyListOptions.list(inState: state))
        try file.makeIfMissing()
        let list = try file.read()
        if isNew, !list.keys.isEmpty {
            Terminal.log(
                "warning: made a new key, although \(file.path) names keys already: peers that know another public key of this "
                    + "coordinator need \(keyFile).pub", .warning)
        }
        for fault in list.faults { Terminal.log("warning: \(fault); the other lines count", .warning) }
        if list.keys.isEmpty {
            Terminal.log(
                "warning: \(file.path) names no key yet, so nobody can connect; orchestrion keys allow adds one",
                .warning)
        }
        let half = FileManager.default.fileExists(atPath: "\(keyFile).pub") ? " (\(keyFile).pub)" : ""
        return (
            .curve(pair, allowed: list.keys, roles: list.roles), file,
            ", public key \(pair.publicKey)\(half), \(list.keys.count) allowed \(list.keys.count == 1 ? "peer" : "peers")"
        )
    }
}

/// What the state may take, as it was said last.
private final class KnownBounds: Sendable {
    private struct Bounds: Equatable {
        var quota: Int?
        /// Days.
        var keepFor: Double?

        init(_ command: CoordinatorCommand) { (quota, keepFor) = (command.quota?.bytes, command.keepFor) }
    }
    private let known: Mutex<Bounds>

    init(_ command: CoordinatorCommand) { known = Mutex(Bounds(command)) }

    /// - Returns: whether it is said otherwise now.
    func take(_ command: CoordinatorCommand) -> Bool {
        known.withLock { known in
            defer { known = Bounds(command) }
            return known != Bounds(command)
        }
    }
}
