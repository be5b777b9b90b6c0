import ArgumentParser
import Foundation
import Hosts
import JukeboxModel
import MusicBox
import OptionLayers
import ZeroMQTransport

/// The file of a cluster, for `up`, `down`, `upgrade` and `logs`.
struct ClusterOptions: ParsableArguments {
    static let standard = "cluster.toml"

    @Argument(help: ArgumentHelp("The cluster's file.", valueName: "cluster.toml"))
    var file = Self.standard

    /// - Throws: `ValidationError`.
    func read() throws -> ClusterFile { try Self.read(file) }

    static func read(_ path: String) throws -> ClusterFile {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ValidationError("there is no \(path); orchestrion up --help shows what is in one")
        }
        let content = try OptionFile.content(of: path, option: "file")
        let reader = ClusterFileReader(
            path: path, coordinator: try ConfiguredCommand.coordinator.table(),
            worker: try ConfiguredCommand.worker.table())
        do {
            let file = try reader.read(content)
            try check(file, path)
            return file
        } catch let error as SettingError {
            throw ValidationError(error.description)
        }
    }

    /// Values are looked at as the commands themselves do, but for those that are about files of the hosts.
    private static func check(_ file: ClusterFile, _ path: String) throws {
        func isOfHere(_ option: String) -> Bool {
            !["--models", "--http", "--tokens", "--copy-to"].contains { option.hasPrefix($0) }
        }
        do {
            _ = try CoordinatorCommand.parse(
                ["--state", "/"] + file.modelOptions.filter { !$0.hasPrefix("--preset") }
                    + file.coordinator.options.filter(isOfHere))
            for worker in file.workers { _ = try WorkerCommand.parse(file.modelOptions + worker.options) }
        } catch {
            throw ValidationError("\(path): \(WorkerCommand.message(for: error))")
        }
    }

    // MARK: what is brought

    /// - Parameter scratch: a folder for what is unpacked.
    static func cargo(_ file: ClusterFile, _ records: ClusterRecords, scratch: String) throws -> Cargo {
        let notes = DigestNotes(path: records.digests)
        let program =
            try file.program.map { try ProgramPayload(package: $0, scratch: scratch, notes: notes) }
            ?? ProgramPayload(
                executable: ownPath, model: MusicBox.folder, commit: ProgramCommit.file, notes: notes)
        var (model, fingerprints): (ModelPayload?, [String]?) = (nil, nil)
        if case .here(let folder) = file.model {
            var progress = ProgressLine("reading \(folder)", total: nil)
            var done = 0
            model = try ModelPayload(folder: folder, notes: notes) {
                done += $0
                progress.update(done)
            }
            progress.finish()
            fingerprints = try Self.fingerprints(folder, file.modelOptions)
        }
        try notes.save()
        return Cargo(program: program, model: model, fingerprints: fingerprints, adminKey: try adminKey(records))
    }

    /// As `model inspect` says them.
    private static func fingerprints(_ folder: String, _ options: [String]) throws -> [String] {
        let worker = try WorkerCommand.parse(options)
        let model = try Model(path: folder, preset: worker.preset, profile: worker.profile)
        return try ModelReport(model, fingerprints: true, check: false).parts.compactMap { part in
            part.fingerprint.map { "\(part.name) \($0)" }
        }
    }

    /// A program that was replaced since it was started is still there under the second name.
    private static var ownPath: String {
        let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        return FileManager.default.fileExists(atPath: path) ? path : "/proc/\(getpid())/exe"
    }

    /// The person's own key, made when there is none.
    private static func adminKey(_ records: ClusterRecords) throws -> String {
        if !FileManager.default.fileExists(atPath: records.adminKey) {
            try KeyFile.writeNew(CurveKeyPair.generate(), to: records.adminKey)
        }
        return try KeyFile.readPublicKey(records.adminKey).z85
    }
}
