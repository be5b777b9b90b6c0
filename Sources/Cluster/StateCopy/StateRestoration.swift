import Foundation
package import Journal
import SystemErrors

/// A copy becomes a coordinator's state, on this machine.
package struct StateRestoration: Sendable {
    /// What became of the journal; nil where the state was restored before, and goes on.
    package private(set) var journal: CopyRestoration?
    package private(set) var files = 0
    package private(set) var identity: CopyIdentity
    /// Seconds since 1970 when the copy was written last, by the clock of its coordinator.
    package private(set) var time: Double

    /// How long a copy is looked at: one that is kept changes about every second.
    private static let look = Duration.seconds(4)

    /// Makes a state of a copy. Whose copy it was is out from then on, where it can see the copy.
    ///
    /// - Parameters:
    ///   - copy: the folder, which this process can write into.
    ///   - state: a folder without a state, or what came of this copy before.
    ///   - tell: is told what takes time.
    /// - Throws: `CopyError`: it is no copy, not complete, damaged, or somebody keeps it just now; `JournalError`;
    ///   `SystemError`. Nothing is changed then that a second try would trip over.
    package init(of copy: String, in state: String, tell: (String) -> Void) throws {
        if let own = try Self.madeBefore(of: copy, in: state) {
            (identity, time) = (own, 0)
            return
        }
        let (mark, newest) = try Self.look(at: copy)
        time = mark.time
        // A restoration that was cut short begins anew.
        let unfinished: CopyIdentity? = try SmallFile.read(Self.begun(state))
        guard
            !FileManager.default.fileExists(atPath: Journal.path(state)) || unfinished?.cluster == mark.identity.cluster
        else { throw Self.occupied(state) }
        let lock: FolderLock
        do { lock = try FolderLock(copy) } catch let error as CopyError where error.kind == .passing {
            throw Self.living(copy)
        }
        defer { withExtendedLifetime(lock) {} }
        // Locks do not reach across all networks; that it changes is seen everywhere.
        tell("looks for \(Int(Self.look / .seconds(1))) s whether somebody keeps the copy in \(copy)")
        let end = ContinuousClock.now + Self.look
        while ContinuousClock.now < end {
            usleep(200_000)
            let now: CopyMark? = try SmallFile.read(CopyMark.file(copy))
            if now != mark { throw Self.living(copy) }
        }
        identity = CopyIdentity(cluster: mark.identity.cluster, generation: newest + 1)
        // From here on the former coordinator is out; a second try goes on with a number that is higher still.
        try OutputFile.replace(
            CopyTakeover.file(copy),
            with: SmallFile.encode(
                CopyTakeover(
                    identity: identity, host: ProcessInfo.processInfo.hostName, time: Date().timeIntervalSince1970)))
        try OutputFolder.make(state)
        chmod(state, 0o700)
        try OutputFile.replace(Self.begun(state), with: SmallFile.encode(identity))
        files = try Self.copyFiles(from: CopyFolder.files(copy), to: state)
        journal = try CopyRestoration(of: CopyFolder.journal(copy), in: state) { song in
            FileManager.default.fileExists(atPath: "\(state)/songs/\(song)/song.json")
        }
        // Last: what has it is whole.
        try identity.write(state)
        unlink(Self.begun(state))
    }

    /// There as long as a state is being made.
    static func begun(_ state: String) -> String { state + "/restoring.json" }

    /// - Returns: what a copy says of itself, and the highest generation that it knows of.
    private static func look(at copy: String) throws -> (mark: CopyMark, newest: Int) {
        guard let mark: CopyMark = try SmallFile.read(CopyMark.file(copy)) else {
            throw CopyError(
                .foreign, "\(copy) has no copy of a state: there is no copy.json, which coordinator --copy-to writes")
        }
        guard mark.hasJournal, FileManager.default.fileExists(atPath: CopyFolder.journal(copy)) else {
            throw CopyError(.damaged, "the copy in \(copy) was never complete, so that nothing can go on from it")
        }
        let takeover: CopyTakeover? = try SmallFile.read(CopyTakeover.file(copy))
        let newest = max(mark.identity.generation, takeover?.identity.generation ?? 0)
        guard (1..<CopyIdentity.mostGenerations).contains(newest) else {
            throw CopyError(.damaged, "the copy in \(copy) says that it was restored \(newest) times, which cannot be")
        }
        return (mark, newest)
    }

    /// The identity of a state that came of a copy before; nil for a folder without a state.
    ///
    /// - Throws: `CopyError` for another state, and for one that is out.
    private static func madeBefore(of copy: String, in state: String) throws -> CopyIdentity? {
        guard let own = try CopyIdentity.known(ofState: state) else { return nil }
        // What came of it goes on also when the copy is away.
        guard FileManager.default.fileExists(atPath: CopyMark.file(copy)) else { return own.generation > 1 ? own : nil }
        let (mark, newest) = try look(at: copy)
        guard own.cluster == mark.identity.cluster, own.generation > 1 else { throw occupied(state) }
        guard own.generation >= newest else {
            throw CopyError(
                .fenced, "another coordinator went on from the copy in \(copy) since; the state in \(state) is out")
        }
        return own
    }

    private static func occupied(_ state: String) -> CopyError {
        CopyError(
            .foreign,
            "\(state) has a state already, which is not what came of this copy; choose another --state, or leave --restore away to "
                + "go on with what is there")
    }

    private static func living(_ copy: String) -> CopyError {
        CopyError(
            .passing,
            "a coordinator keeps the copy in \(copy) just now. Two coordinators must not go on with the same songs: stop that one "
                + "first")
    }

    private static func copyFiles(from folder: String, to state: String) throws -> Int {
        let files = StateFiles.all(in: folder).filter { CopiedFile.isValid($0.path) && $0.path != "identity.json" }
        for file in files {
            let target = "\(state)/\(file.path)"
            try OutputFolder.make(URL(fileURLWithPath: target).deletingLastPathComponent().path)
            let output = try OutputFile(target, isNew: true)
            chmod(target, 0o600)
            try InputFile("\(folder)/\(file.path)").forEachPiece { try output.write($0) }
            try output.synchronize()
            try output.close()
        }
        return files.count
    }
}
