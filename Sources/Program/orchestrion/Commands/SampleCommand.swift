import ArgumentParser
import Checkpoint
import ClusterClient
import CoordinatorService
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SongPlan
import SystemErrors

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Sample a song in this process.",
        discussion: """
            The song is a function of model, song and seed: a cluster makes the same one. A run that was interrupted \
            goes on when the same command is given again with the same --out.

            Examples:
              orchestrion sample --genre waltz --artist mira_sol --lyrics "sun sea sky far low you" --out mysong
              orchestrion sample --model DIR --artist "…" --genre jazz --seconds 24 --seed 7 --out mysong
              orchestrion sample --model DIR --mode upsample --prompt take.flac --out mysong
              orchestrion sample --song mysong/song.json --out again
            """)

    @OptionGroup(title: "Song") var song: SongOptions

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "How numbers are kept: f32 (weights as stored), f16 (the default, but for a song that was made with "
                + "another), or int8 (half the memory of f16).",
            valueName: "profile"))
    var profile: NumericProfile?

    @Option(help: ArgumentHelp("The output folder (default songs/DATE-TIME).", valueName: "dir"))
    var out: String?

    @OptionGroup var compute: ThreadOptions

    @Option(help: "Windows that run as one batch (default: 16, or what memory allows).")
    var slots: Int?

    @Flag(help: "Print the result as JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print what happens.")
    var verbose = false

    @OptionGroup var lifeline: LifelineOptions

    private static let (songID, ancestorID) = ("song", "ancestor")

    func validate() throws {
        guard (1...256).contains(slots ?? 1) else { throw ValidationError("--slots must be 1 to 256") }
        guard out?.isEmpty != true else { throw ValidationError("--out is empty; it must name a folder") }
    }

    func run() throws {
        lifeline.watch()
        compute.sayLimits { if !json { Terminal.note($0) } }
        var request = try song.request()
        let made = request.specification.fingerprints?.first.flatMap(NumericProfile.init(fingerprint:))
        let registry = ModelRegistry(preset: preset, profile: try profile ?? made ?? song.profileOfFile() ?? .standard)
        let name = request.specification.model
        let path = try MusicBox.path(of: name)
        let model = try registry.model(path)
        // A song of the model that ships says so by name: the folder differs from machine to machine.
        request.specification.model = path == name ? model.folder.path : name
        let folder = URL(fileURLWithPath: out ?? Self.defaultFolder())
        try OutputPlace.check(folder)
        let state = folder.appendingPathComponent(".orchestrion")
        guard !SongFolderLayout(folder).isFinished else {
            throw ValidationError("\(folder.path) already holds a song; choose another --out")
        }
        if song.seed == nil, song.song == nil, let seed = Self.seed(keptIn: state) { request.specification.seed = seed }
        let isNew = !FileManager.default.fileExists(atPath: state.path)
        let status: SongProgress
        do {
            try claim(state, for: request)
            status = try sample(request, registry: registry, model: model, state: state)
        } catch let refusal as Refusal {
            if isNew { abandon(state) }
            throw refusal.reason
        }
        guard status.state == .finished else {
            throw CommandError(status.reason.isEmpty ? "the song was \(status.state)" : status.reason)
        }
        try handOver(state.appendingPathComponent("songs/\(Self.songID)"), to: folder)
        try FileManager.default.removeItem(at: state)
        try SongReport(folder: folder, seed: request.specification.seed).print(json: json)
    }

    /// Moves a finished song to where it was asked for; `song.json`, which says that all of it is there, comes last.
    private func handOver(_ result: URL, to folder: URL) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: result.path)
        func order(_ name: String) -> (Int, String) { (name == SongFolderLayout.descriptionName ? 1 : 0, name) }
        // What the coordinator notes for itself.
        let own = [SongFolderLayout.ownerName, SongFolderLayout.witnessName]
        for name in names.sorted(by: { order($0) < order($1) }) where !own.contains(name) {
            try FileManager.default.moveItem(
                at: result.appendingPathComponent(name), to: folder.appendingPathComponent(name))
        }
    }

    /// Notes what is sampled here, so that a run which goes on asks for the same.
    private func claim(_ state: URL, for request: SongRequest) throws {
        let (seed, asked) = (state.appendingPathComponent("seed"), state.appendingPathComponent("request.json"))
        let text = try request.json()
        if let before = try? String(contentsOf: asked, encoding: .utf8), before != text {
            throw ValidationError(
                "\(state.deletingLastPathComponent().path) holds an interrupted song that was asked for with other "
                    + "options; give the same ones to go on with it, or choose another --out")
        }
        do {
            try OutputFolder.make(state.path)
            try OutputFile.replace(seed.path, with: "\(request.specification.seed)\n")
            try OutputFile.replace(asked.path, with: text)
        } catch {
            throw Refusal(reason: error)
        }
    }

    /// Leaves nothing behind of a song that was refused, if this run began it.
    private func abandon(_ state: URL) {
        try? FileManager.default.removeItem(at: state)
        // Fails, as it should, when something else is there.
        rmdir(state.deletingLastPathComponent().path)
    }

    private func sample(
        _ request: SongRequest, registry: ModelRegistry, model: Model, state: URL
    ) throws -> SongProgress {
        let verbose = verbose
        let cluster: LocalCluster
        do {
            let lowest = try Ancestry.steps(to: request.specification).map(\.stopAt).min() ?? 0
            let stopAt = min(max(0, lowest), model.geometry.top)
            cluster = try LocalCluster(
                state: state, registry: registry, model: model, levels: Array(stopAt...model.geometry.top),
                threads: compute.threads,
                slots: slots, log: { if verbose { Terminal.log($0) } })
        } catch {
            throw Refusal(reason: error)
        }
        if let slots, cluster.slots < slots {
            Terminal.note("warning: memory holds \(cluster.slots) of the \(slots) windows that --slots asks for")
        }
        cluster.start()
        defer { cluster.stop() }
        let out = state.deletingLastPathComponent().path
        let interrupt = Interrupt { Terminal.note("Interrupted; the same command with --out \(out) goes on.") }
        defer { interrupt.leave() }
        let client = cluster.makeClient(mayWait: { if interrupt.isRaised { throw ExitCode(interrupt.exitCode) } })
        let ancestors = AncestryMaker(folder: state) { request, number in
            let id = "\(Self.ancestorID)-\(number)"
            do {
                _ = try client.submitShown(request, song: id, uploads: false)
            } catch  where number == 0 && !interrupt.isRaised && cluster.fault == nil {
                throw Refusal(reason: error)
            }
            let status = try SongFollower(client: client, song: id, isQuiet: json).run()
            try status.mustBeFinished()
            return SongFolderLayout(state.appendingPathComponent("songs/\(id)"))
        }
        let completed = try ancestors.completed(request)
        do {
            _ = try client.submitShown(completed, song: Self.songID, uploads: false)
        } catch  where request.specification.ancestry == nil && !interrupt.isRaised && cluster.fault == nil {
            // What was made for a branch stays.
            throw Refusal(reason: error)
        }
        return try SongFollower(client: client, song: Self.songID, isQuiet: json).run()
    }

    private static func seed(keptIn state: URL) -> UInt64? {
        (try? String(contentsOf: state.appendingPathComponent("seed"), encoding: .utf8)).flatMap {
            UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    private static func defaultFolder() -> String { "songs/\(timeName())" }

    /// Now, as part of a file's name.
    static func timeName() -> String {
        let formatter = DateFormatter()
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        return formatter.string(from: Date())
    }
}

/// The song was not even begun.
private struct Refusal: Error {
    let reason: any Error

    /// What the system refused is looked into now, before what was begun is removed, and with it the reason.
    init(reason: any Error) {
        self.reason = reason.systemNumber == nil ? reason : CommandError(reason.explanation)
    }
}

/// What a finished song's folder holds, for people or as JSON.
struct SongReport: Encodable {
    var folder: String
    var seed: UInt64
    var files: [String]
    /// Of a song in segments.
    var approximation: String?

    init(folder: URL, seed: UInt64) {
        self.folder = folder.path
        self.seed = seed
        files = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
            .filter { $0.contains(".") && !$0.hasPrefix(".") }.sorted()
        approximation = (try? SongFolder(folder))?.approximation
    }

    func print(json: Bool) throws {
        if json {
            Swift.print(try Terminal.json(self))
            return
        }
        Swift.print("The song is in \(folder)")
        if let approximation { Swift.print("  \(approximation)") }
        for file in files { Swift.print("  \(file)") }
    }
}
