import ArgumentParser
import Chaos
import ClusterClient
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SystemErrors

/// The main job on one machine: a cluster of processes, a song, a worker that is killed half way, and the proof that
/// the song is the same as an undisturbed one.
final class Demonstration {
    /// Options of the song, as `submit` and `sample` take them.
    private let song: [String]
    private let introduction: String
    private let folder: URL
    private let profile: [String]
    private let place: URL
    /// Whether the cluster goes on after the demonstration, with its HTTP API.
    private let stays: Bool
    private var interrupt: Interrupt?
    private var children: [OwnProcess] = []
    private static let id = "demo"

    /// - Parameters:
    ///   - introduction: the song in words.
    ///   - folder: where the song goes.
    ///   - profile: of the coordinator and its workers.
    ///   - stays: whether they go on afterwards, with the HTTP API, until Ctrl-C.
    /// - Throws: an error of the file system.
    init(song: [String], introduction: String, folder: URL, profile: NumericProfile, stays: Bool) throws {
        self.song = song
        self.introduction = introduction
        self.folder = folder
        self.profile = ["--profile", profile.name]
        self.stays = stays
        place = FileManager.default.temporaryDirectory.appendingPathComponent("orchestrion-demo-\(UUID().uuidString)")
        // What cannot be written is to be known before a song is sampled.
        for needed in [folder, place] {
            try OutputFolder.make(needed.path)
        }
    }

    /// - Throws: `CommandError` for what must not happen, exit code 130 after Ctrl-C (128 and the signal). Children and temporary files are
    ///   gone in any case.
    func run() throws {
        let place = place
        interrupt = Interrupt { Terminal.note("Interrupted; all that the demo had started is stopped.") }
        let cleanup = Signals.cleanUp { try? FileManager.default.removeItem(at: place) }
        defer {
            for child in children { child.kill() }
            try? FileManager.default.removeItem(at: place)
            Signals.forget(cleanup)
        }
        step("\(MusicBox.name), the small model that comes with the program (Docs/MusicBox.md)")
        try ModelCommand.Inspect.parse([MusicBox.name, "--no-fingerprint"]).run()
        let client = try startCluster()
        defer { client.close() }
        try sampleDisturbed(client)
        try compareWithUndisturbed()
        try showResult()
        guard !stays else { return try stay() }
        step("orchestrion demo --page does the same, and leaves a page open to listen and go on from there")
    }

    // MARK: the cluster

    private func startCluster() throws -> ClusterClient {
        step("A coordinator and two workers")
        let file = place.appendingPathComponent("endpoint").path
        try start(
            "coordinator",
            [
                "coordinator", "--listen", "tcp://127.0.0.1:0", "--endpoint-file", file, "--state",
                place.appendingPathComponent("state").path, "--lease", "2",
            ] + (stays ? ["--http", "127.0.0.1:0", "--http-endpoint-file", httpEndpoint] : []) + profile)
        try wait("the coordinator", limit: 30) { FileManager.default.fileExists(atPath: file) }
        let endpoint = try String(contentsOfFile: file, encoding: .utf8)
        let client = try ConnectionOptions.parse(["--connect", endpoint]).client()
        self.endpoint = endpoint
        for name in ["first", "second"] { try startWorker(name) }
        try wait("the workers", limit: 120) { try client.status().workers.count == 2 }
        try StatusCommand.parse(["--connect", endpoint]).run()
        return client
    }

    private var endpoint = ""
    private var httpEndpoint: String { place.appendingPathComponent("http-endpoint").path }

    /// The cluster goes on until Ctrl-C.
    private func stay() throws {
        let address = try String(contentsOfFile: httpEndpoint, encoding: .utf8)
        step("The cluster goes on until Ctrl-C")
        say("  \(address)/#/listen/\(Self.id)    the page, in a browser (Docs/Guide/Page.md)")
        say("  \(address)/api/v1/songs                the songs; \(Self.id) is this one (Docs/Guide/HTTP.md)")
        say("  \(address)/api/v1/songs/\(Self.id)/audio    its sound")
        say("  orchestrion submit --connect \(endpoint) --genre waltz --seconds 8")
        while interrupt?.isRaised != true { Thread.sleep(forTimeInterval: 0.1) }
    }

    private func startWorker(_ name: String) throws {
        try start(name, ["worker", "--connect", endpoint, "--threads", "1", "--name", name] + profile)
    }

    private func start(_ name: String, _ arguments: [String]) throws {
        children.append(try OwnProcess(name, arguments, log: place.appendingPathComponent("\(name).log").path))
    }

    private func child(_ name: String) -> OwnProcess { children.last { $0.name == name }! }

    // MARK: the song, twice

    private func sampleDisturbed(_ client: ClusterClient) throws {
        step(introduction)
        let request = try SongOptions.parse(song).request()
        let begin = ContinuousClock.now
        _ = try client.submitShown(request, song: Self.id)
        var doomed: OwnProcess?
        var killedAt = 0.0
        let follower = SongFollower(
            client: client, song: Self.id,
            onLook: { [self] status in
                try stopIfInterrupted()
                let isHalfway = status.wantedTokens > 0 && status.share >= 0.5 && status.state == .sampling
                if doomed == nil, isHalfway, let busy = try busyWorker(client) {
                    busy.kill()
                    (doomed, killedAt) = (busy, status.share)
                    try startWorker("third")
                }
                try checkChildren(expectingDeathOf: doomed?.name)
            })
        let status = try follower.run()
        guard status.state == .finished else { throw CommandError("the song is \(status.state): \(status.reason)") }
        guard let doomed else {
            throw CommandError("the song ended before a worker could be killed; ask for more --seconds")
        }
        say(
            "Sampled and decoded in \(Self.seconds(since: begin)). Worker \"\(doomed.name)\" was killed (kill -9) after "
                + "\(Int(killedAt * 100)) % of the tokens, and \"third\" took its place:")
        let lines = child("coordinator").logged.split(separator: "\n")
        let lost = lines.filter { $0.contains("lost") || $0.contains("taken back") }
        let byDeath = lost.filter { !$0.contains("another worker") }
        // Backup copies may have been ahead of all that it held.
        for line in byDeath.isEmpty ? lost : byDeath { say("  \(line)") }
        _ = try client.fetchShown(song: Self.id, into: folder)
    }

    /// One that has windows in hand; a small song may leave the other without.
    private func busyWorker(_ client: ClusterClient) throws -> OwnProcess? {
        let busy = try client.status().workers.filter { $0.busy > 0 }.map(\.name)
        return ["first", "second"].first(where: busy.contains).map(child)
    }

    private func compareWithUndisturbed() throws {
        if !stays { for child in children { child.kill() } }
        step("The same song again, undisturbed, in one process")
        let again = place.appendingPathComponent("undisturbed")
        let begin = ContinuousClock.now
        // Its progress is for people, too.
        let process = try OwnProcess("undisturbed", ["sample", "--out", again.path] + profile + song, log: nil)
        children.append(process)
        while process.ending == nil {
            try stopIfInterrupted()
            Thread.sleep(forTimeInterval: 0.05)
        }
        guard process.ending == 0 else { throw CommandError("sampling undisturbed ended with \(process.ending!)") }
        let codes = [folder, again].map {
            FileManager.default.contents(atPath: SongFolderLayout($0).codes.path)
        }
        guard let first = codes[0], first == codes[1] else {
            throw CommandError("the tokens differ. This must not happen: please report it")
        }
        say("Made in \(Self.seconds(since: begin)). All tokens are equal:")
        for (level, digest) in try SongFolder(folder).digests.sorted(by: { $0.key < $1.key }) {
            say("  \(level)  \(digest)")
        }
    }

    private func showResult() throws {
        step("The song is in \(folder.path)")
        for file in SongReport(folder: folder, seed: 0).files where SongFolderLayout.place(of: file) != nil {
            say("  \(folder.appendingPathComponent(file).path)")
        }
        let report = try PictureMaker(song: SongFolder(folder)).make()
        try stopIfInterrupted()
        step("Its picture: the spectrogram, and when which lyrics are sung")
        say(report.text)
    }

    // MARK: waiting

    private func wait(_ what: String, limit: Double, until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(limit)
        while try !condition() {
            try stopIfInterrupted()
            try checkChildren(expectingDeathOf: nil)
            guard ContinuousClock.now < deadline else {
                throw CommandError("waited \(Int(limit)) s in vain for \(what)")
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private func checkChildren(expectingDeathOf expected: String?) throws {
        for child in children where child.name != expected {
            guard let ending = child.ending else { continue }
            throw CommandError("\(child.name) ended with \(ending); it said:\n\(child.logged.suffix(2000))")
        }
    }

    private func stopIfInterrupted() throws {
        guard let interrupt, interrupt.isRaised else { return }
        throw ExitCode(interrupt.exitCode)
    }

    // MARK: telling

    private func say(_ text: String) {
        print(text)
        fflush(nil)
    }

    private func step(_ text: String) { say(isatty(STDOUT_FILENO) == 1 ? "\n\u{1B}[1m\(text)\u{1B}[0m" : "\n\(text)") }

    private static func seconds(since begin: ContinuousClock.Instant) -> String {
        String(format: "%.0f s", begin.duration(to: .now) / .seconds(1))
    }
}
