import CoordinatorCore
import Foundation
import Journal
import ProgramLog
import SongPlan
import Synchronization
import SystemErrors
import Testing

@testable import StateCopy

/// A state and its copy, kept by the thread that a coordinator has for it.
@Suite struct StateCopierTests {
    /// Waits for a state of things; on a busy machine that takes as long as it takes.
    private func wait(_ what: String, _ condition: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while try !condition() {
            try #require(ContinuousClock.now < end, "\(what) does not come")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private final class World: Sendable {
        let scratch: Scratch
        let state: String
        let copy: String
        let journal: Journal
        let identity: CopyIdentity
        let fenced = Mutex<CopyError?>(nil)
        let lines = Mutex<[String]>([])

        init() throws {
            scratch = try Scratch()
            (state, copy) = (scratch("state"), scratch("copy"))
            journal = try Journal(folder: state)
            identity = try CopyIdentity.ofState(state)
        }

        func write(_ path: String, _ text: String) throws {
            let file = URL(fileURLWithPath: "\(state)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file, options: .atomic)
        }

        func copied(_ path: String) -> String? { try? String(contentsOfFile: "\(copy)/files/\(path)", encoding: .utf8) }

        func start(_ place: CopyPlace? = nil) -> StateCopier {
            StateCopier(
                to: place ?? .folder(copy), of: state, journal: journal, identity: identity,
                log: Log { line in self.lines.withLock { $0.append(line) } }
            ) { error in self.fenced.withLock { $0 = error } }
        }

        /// How often the copy was written.
        var count: UInt64 { get throws { (try SmallFile.read(CopyMark.file(copy)) as CopyMark?)?.count ?? 0 } }

        func restore(_ name: String = "restored") throws -> StateRestoration {
            try StateRestoration(of: copy, in: scratch(name)) { _ in }
        }
    }

    @Test func `journal, keys, uploads and songs that have ended are in the copy, for its owner alone`() async throws {
        let world = try World()
        try world.write("coordinator.key", "secret")
        try world.write("allowed-keys", "many")
        try world.write("uploads/abc.wav", "sound")
        try world.write("uploads/abc.flac.part", "half")
        try world.write("songs/old/level_0/sample_0.wav", "music")
        try world.write("songs/old/song.json", "{}")
        try world.write("songs/old/empty", "")
        try world.write("songs/new/level_0/sample_0.wav", "growing")
        try world.write("backups/journal-1.sqlite", "old")
        try world.journal.append(Example.begin("a"))
        let copier = world.start()
        copier.setUnfinished(["new"])
        try await wait("the copy") { copier.mayForget("old") }
        #expect(!copier.mayForget("new"))
        #expect(world.copied("coordinator.key") == "secret" && world.copied("allowed-keys") == "many")
        #expect(world.copied("uploads/abc.wav") == "sound" && world.copied("uploads/abc.flac.part") == nil)
        #expect(world.copied("songs/old/level_0/sample_0.wav") == "music" && world.copied("songs/old/empty") == "")
        #expect(world.copied("backups/journal-1.sqlite") == nil && world.copied("lock") == nil)
        for place in ["", "/files/coordinator.key", "/journal.sqlite"] {
            let mode = try FileManager.default.attributesOfItem(atPath: world.copy + place)[.posixPermissions] as? Int
            #expect(try #require(mode) & 0o077 == 0, "\(place)")
        }
        // What changes follows, and what goes, goes.
        try world.journal.append([Example.tokens("a", from: 0)])
        try world.write("allowed-keys", "fewer")
        try FileManager.default.removeItem(atPath: world.state + "/songs/old")
        copier.setUnfinished([])
        try await wait("the change") {
            world.copied("allowed-keys") == "fewer" && world.copied("songs/old/song.json") == nil
                && world.copied("songs/new/level_0/sample_0.wav") == "growing"
        }
        copier.stop(within: .seconds(60))
        #expect(copier.status.problem == nil && copier.status.failures == 0 && copier.status.bytes > 0)
        #expect(copier.status.behind < 60)
        let restored = try world.restore()
        #expect(restored.identity.generation == 2 && restored.journal?.songs == 1)
        #expect(try records(in: world.scratch("restored")) == world.journal.records())
        let key = try String(contentsOfFile: world.scratch("restored/coordinator.key"), encoding: .utf8)
        #expect(key == "secret")
    }

    @Test func `a copy that is lost in the middle is made anew, and nothing is held up`() async throws {
        let world = try World()
        try world.journal.append(Example.begin("a"))
        let copier = world.start()
        try await wait("the copy") { try world.count > 0 }
        // A file lies where the folder was.
        try FileManager.default.removeItem(atPath: world.copy)
        try Data().write(to: URL(fileURLWithPath: world.copy))
        try world.journal.append([Example.tokens("a", from: 0)])
        try await wait("the problem") { copier.status.problem != nil }
        #expect(copier.mayForget("any"))
        #expect(copier.status.failures > 0)
        try world.journal.append([Example.tokens("a", from: 4)])
        try FileManager.default.removeItem(atPath: world.copy)
        try await wait("its end") { copier.status.problem == nil }
        copier.stop(within: .seconds(60))
        _ = try world.restore()
        #expect(try records(in: world.scratch("restored")) == world.journal.records())
        #expect(world.lines.withLock { $0 }.count { $0.contains("is complete") } >= 2)
    }

    @Test func `a copy that somebody changed is found, and made anew`() async throws {
        let world = try World()
        try world.journal.append(Example.begin("a"))
        let copier = world.start()
        try await wait("the copy") { try world.count > 1 }
        let other = try World()
        try other.journal.append(Example.begin("another"))
        other.journal.close()
        let file = world.copy + "/journal.sqlite"
        unlink(file)
        for ending in ["", "-wal"] where FileManager.default.fileExists(atPath: other.journal.path + ending) {
            try FileManager.default.copyItem(atPath: other.journal.path + ending, toPath: file + ending)
        }
        try world.journal.append([Example.tokens("a", from: 0)])
        try await wait("the discovery") { copier.status.failures > 0 && copier.status.problem == nil }
        copier.stop(within: .seconds(60))
        _ = try world.restore()
        #expect(try records(in: world.scratch("restored")) == world.journal.records())
    }

    @Test func `a copy that is kept just now is not gone on from`() async throws {
        let world = try World()
        try world.journal.append(Example.begin("a"))
        let copier = world.start()
        try await wait("the copy") { try world.count > 0 }
        let error = #expect(throws: CopyError.self) { try world.restore() }
        #expect(error?.kind == .passing && error?.description.contains("stop that one") == true)
        // A lock may not reach so far; that the copy changes does.
        unlink(world.copy + "/lock")
        let again = #expect(throws: CopyError.self) { try world.restore() }
        #expect(again?.kind == .passing)
        #expect(!FileManager.default.fileExists(atPath: world.scratch("restored/journal.sqlite")))
        copier.stop(within: .seconds(60))
        #expect(world.fenced.withLock { $0 } == nil)
        _ = try world.restore()
    }

    @Test func `whoever comes back after somebody went on from its copy is out`() async throws {
        let world = try World()
        try world.journal.append(Example.begin("a"))
        world.start().stop(within: .seconds(60))
        let restored = try world.restore()
        #expect(throws: CopyError.self) { try CopyPlace.folder(world.copy).checkTakeover(world.identity) }
        let copier = world.start()
        try await wait("the end of it") { world.fenced.withLock { $0 } != nil }
        #expect(world.fenced.withLock { $0?.kind } == .fenced)
        copier.stop(within: .seconds(60))
        // Who went on may keep its own copy there, and be started again with the same options.
        try CopyPlace.folder(world.copy).checkTakeover(restored.identity)
        #expect(try world.restore().journal == nil)
        // A third one goes on; the second is out then.
        _ = try world.restore("third")
        let late = #expect(throws: CopyError.self) { try world.restore() }
        #expect(late?.kind == .fenced)
    }

    @Test func `a restoration that was cut short begins anew, and one that was not goes on without the copy`()
        async throws
    {
        let world = try World()
        try world.journal.append(Example.begin("a"))
        world.start().stop(within: .seconds(60))
        let first = try world.restore()
        let state = world.scratch("restored")
        // As if the process had been killed before its last step.
        try FileManager.default.moveItem(atPath: state + "/identity.json", toPath: state + "/restoring.json")
        let second = try world.restore()
        #expect(second.journal?.songs == 1 && second.identity.generation == first.identity.generation + 1)
        #expect(!FileManager.default.fileExists(atPath: state + "/restoring.json"))
        try FileManager.default.removeItem(atPath: world.copy)
        #expect(try world.restore().journal == nil)
        #expect(try records(in: state) == world.journal.records())
        #expect(throws: CopyError.self) { try world.restore("other") }
    }

    @Test func `what is no copy, half a copy, damaged, or another cluster's is refused`() async throws {
        let world = try World()
        try FileManager.default.createDirectory(atPath: world.copy, withIntermediateDirectories: true)
        #expect(#expect(throws: CopyError.self) { try world.restore() }?.kind == .foreign)
        try world.journal.append(Example.begin("a"))
        world.start().stop(within: .seconds(60))
        let stranger = try World()
        let copier = stranger.start(.folder(world.copy))
        try await wait("the refusal") { copier.status.problem != nil }
        #expect(copier.status.problem?.contains("another cluster") == true)
        copier.stop(within: .seconds(60))
        #expect(
            #expect(throws: CopyError.self) {
                try StateRestoration(of: world.copy, in: stranger.state) { _ in }
            }?.kind == .foreign)
        // Numbers that no coordinator writes are not reckoned with.
        let mark: CopyMark = try #require(try SmallFile.read(CopyMark.file(world.copy)))
        for generation in [Int.max, Int.min, 0] {
            var other = mark
            other.identity.generation = generation
            try OutputFile.replace(CopyMark.file(world.copy), with: SmallFile.encode(other))
            #expect(#expect(throws: CopyError.self) { try world.restore() }?.kind == .damaged)
        }
        try OutputFile.replace(CopyMark.file(world.copy), with: SmallFile.encode(mark))
        let journal = world.copy + "/journal.sqlite"
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: journal)))
        for place in stride(from: 4096 + 100, to: bytes.count, by: 97) { bytes[place] ^= 0x5A }
        try Data(bytes).write(to: URL(fileURLWithPath: journal))
        #expect(throws: JournalError.self) { try world.restore() }
        #expect(!FileManager.default.fileExists(atPath: world.scratch("restored/journal.sqlite")))
        try FileManager.default.removeItem(atPath: journal)
        #expect(#expect(throws: CopyError.self) { try world.restore("other") }?.kind == .damaged)
    }

    // MARK: over ssh

    @Test(arguments: [
        ("ssh://host/srv/copy", "ssh://host/srv/copy"), ("ssh://me@host:22/~/copy", "ssh://me@host:22/~/copy"),
        ("/srv/copy", "/srv/copy"),
    ])
    func `a place is a folder or one at a host`(text: String, shown: String) throws {
        #expect("\(try CopyPlace(text))" == shown)
    }

    @Test(arguments: [
        "", "ssh://", "ssh://host", "ssh:///path", "ssh://host/", "ssh://-oProxyCommand=x/path", "ssh://host:0/path",
        "ssh://host:x/path", "ssh://a b/path", "ssh://a;b/path", "http://host/path",
    ])
    func `what names no place is refused`(text: String) { #expect(throws: CopyError.self) { try CopyPlace(text) } }

    @Test func `a path reaches the other end's shell as it is`() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let path = "/srv/it's $HOME; a \"copy\" *"
        process.arguments = ["-c", SecureShell.command(path).replacing("orchestrion", with: "printf '%s\\n'")]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(text == "journal\nreceive\n--folder\n\(path)\n")
        #expect(SecureShell.command("~/my copy").hasSuffix(" ~/'my copy'"))
    }

    @Test(arguments: ["../x", "/x", "a/b", "songs/../../x", "songs//x", "uploads/.", ""])
    func `no file leads out of the copy`(path: String) throws {
        let scratch = try Scratch()
        let folder = CopyFolder(scratch("copy"))
        _ = try folder.ask(.open(CopyIdentity(cluster: "c", generation: 1)), [])
        _ = try folder.ask(.put(.file, offset: 0), [1])
        let file = CopiedFile(path: path, size: 1, seconds: 0, nanoseconds: 0)
        #expect(throws: CopyError.self) { try folder.ask(.takeFile(file), []) }
        #expect(throws: CopyError.self) { try folder.ask(.remove(path: path), []) }
        #expect(throws: CopyError.self) { try folder.ask(.put(.file, offset: 5), [1]) }
    }

    @Test func `the other end answers, tells what fails, and ends with the connection`() throws {
        let scratch = try Scratch()
        let (there, back) = (Pipe(), Pipe())
        let ended = DispatchSemaphore(value: 0)
        let folder = scratch("copy")
        let thread = Thread {
            try? CopyReceiver.run(
                folder: folder, input: there.fileHandleForReading.fileDescriptor,
                output: back.fileHandleForWriting.fileDescriptor)
            ended.signal()
        }
        thread.start()
        let stream = CopyStream(
            input: back.fileHandleForReading.fileDescriptor, output: there.fileHandleForWriting.fileDescriptor,
            patience: .seconds(60))
        func ask(_ request: CopyRequest, _ body: [UInt8] = []) throws -> CopyReply {
            try stream.write(request, body)
            return try stream.read(CopyReply.self).0
        }
        #expect(try ask(.list(after: "")).error?.kind == .damaged)
        #expect(try ask(.open(CopyIdentity(cluster: "c", generation: 1))).hasJournal == false)
        let piece = [UInt8]((0..<CopyLimits.piece).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        #expect(try ask(.put(.file, offset: 0), piece) == CopyReply())
        let file = CopiedFile(path: "uploads/x.wav", size: piece.count, seconds: 1_700_000_000, nanoseconds: 5)
        #expect(try ask(.takeFile(file)) == CopyReply())
        #expect(try ask(.list(after: "")).files == [file])
        #expect(try ask(.remove(path: file.path)) == CopyReply())
        #expect(try ask(.list(after: "")).files == [])
        try there.fileHandleForWriting.close()
        #expect(ended.wait(timeout: .now() + 60) == .success)
    }
}
