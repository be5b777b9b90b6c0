import Checkpoint
import ClusterProtocol
import Foundation
package import JukeboxModel
import SongFiles
import Synchronization

/// The models that a coordinator knows, by the names that songs use.
package final class ModelRegistry: Sendable {
    private struct Known {
        var models: [String: Model] = [:]
        var vqvaes: [String: VQVAE] = [:]
        var fingerprints: [String: (files: [String], values: [Int: String])] = [:]
        /// Folders that were given and could not be opened so far.
        var awaited: Set<String> = []
    }
    private let known = Mutex(Known())
    /// The geometry for folders without their own.
    private let preset: String?
    let profile: NumericProfile
    /// Folders of models that songs may name beside those that were added; nil for any folder.
    private let places: [String]?

    /// - Parameters:
    ///   - profile: how the models' priors compute.
    ///   - places: folders whose models songs may name; nil for any folder, where songs are the owner's own.
    package init(preset: String? = nil, profile: NumericProfile = .standard, places: [String]? = nil) {
        self.preset = preset
        self.profile = profile
        self.places = places
    }

    /// Opens a model's folder and remembers it by its name and its path.
    @discardableResult
    package func add(path: String) throws -> Model {
        let full = URL(fileURLWithPath: path).standardizedFileURL.path
        known.withLock { _ = $0.awaited.insert(full) }
        let model = try add(path: path, preset: preset)
        known.withLock { _ = $0.awaited.remove(full) }
        return model
    }

    /// Opens a folder that says its own geometry, whatever preset others need.
    package func addOwn(path: String) throws { _ = try add(path: path, preset: nil) }

    private func add(path: String, preset: String?) throws -> Model {
        let full = URL(fileURLWithPath: path).standardizedFileURL.path
        if let model = known.withLock({ $0.models[full] }) { return model }
        let model = try Model(path: full, preset: preset, profile: profile)
        known.withLock {
            $0.models[full] = model
            if $0.models[model.name] == nil { $0.models[model.name] = model }
        }
        return model
    }

    /// Those that songs may name, by their names. The first of a name counts, as it does for songs.
    var all: [Model] {
        for place in places ?? [] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
            // A folder that is no model is passed over.
            for name in names.sorted().prefix(Self.mostListed) { _ = try? model(name) }
        }
        return open
    }

    /// Of one folder of models.
    private static let mostListed = 200

    private var open: [Model] {
        known.withLock { known in
            Set(known.models.values.map(\.name)).sorted().compactMap { known.models[$0] }
        }
    }

    /// The model of that name or folder.
    ///
    /// - Throws: `SongError` that lists what is known.
    package func model(_ name: String) throws -> Model {
        let full = URL(fileURLWithPath: name).standardizedFileURL.path
        let last = URL(fileURLWithPath: name).lastPathComponent
        if let model = known.withLock({ $0.models[full] ?? $0.models[name] }) { return model }
        if let folder = folder(name, full) { return try add(path: folder, preset: preset) }
        if let model = known.withLock({ $0.models[last] }) { return model }
        if places == nil, name.hasPrefix("/") {
            throw SongError(
                "the model's folder \(name) is not there" + (ModelPlace.origin(of: name).map { ". \($0)" } ?? ""))
        }
        let away = known.withLock { known in
            known.awaited.sorted().first { $0 == full || URL(fileURLWithPath: $0).lastPathComponent == last }
        }
        if let away { throw Self.away(away) }
        let names = Set(known.withLock { $0.models.values.map(\.name) }).sorted()
        let known = names.isEmpty ? "the coordinator has none" : "the coordinator has \(names.joined(separator: ", "))"
        if places != nil {
            throw SongError(
                "no model is called \(PeerText.shown(name)) here; \(known). Those that songs may name are given when it "
                    + "is started: --model, or --models for a folder of them")
        }
        throw SongError(
            "no model is called \(name) here, and there is no such folder; "
                + (names.isEmpty
                    ? "--model takes a model's folder" : "the coordinator has \(names.joined(separator: ", "))")
                + (ModelPlace.origin(of: name).map { ". \($0)" } ?? "")
        )
    }

    private static func away(_ folder: String) -> SongError {
        let isThere = FileManager.default.fileExists(atPath: folder)
        return SongError(
            isThere
                ? "the model in \(folder), which this coordinator was started with, cannot be opened just now; it goes on when "
                    + "that is mended"
                : "the model's folder \(folder), which this coordinator was started with, is away; it goes on when the folder "
                    + "is mounted or copied there again", .unavailable)
    }

    /// The model of a song that was taken on, so that it was here then.
    ///
    /// - Throws: what says which folder is away, where it is.
    func model(ofSong name: String) throws -> Model {
        do {
            return try model(name)
        } catch let error as SongError where error.kind == .other {
            let last = URL(fileURLWithPath: name).lastPathComponent
            let folders = name.hasPrefix("/") ? [name] : (places ?? []).map { "\($0)/\(last)" }
            guard !folders.isEmpty else {
                throw SongError(
                    "its model \(PeerText.shown(name)) is away: this coordinator was started without it; start it with --model",
                    .missing)
            }
            throw SongError(
                "its model's folder \(folders.joined(separator: " or ")) is away; it goes on when that is mounted or copied "
                    + "there again", .missing)
        }
    }

    /// The folder of a model that is opened when a song names it; nil when it may not be, or there is none.
    private func folder(_ name: String, _ full: String) -> String? {
        guard let places else { return FileManager.default.fileExists(atPath: full) ? full : nil }
        for place in places {
            let root = URL(fileURLWithPath: place).resolvingSymlinksInPath().path
            // By its name there, or by its path.
            for path in [name.contains("/") ? full : "\(root)/\(name)", full] {
                let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
                guard real.hasPrefix(root.hasSuffix("/") ? root : root + "/"), real != root else { continue }
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: real, isDirectory: &isFolder), isFolder.boolValue {
                    return real
                }
            }
        }
        return nil
    }

    /// A model's fingerprints, computed again when one of its files has changed. Those of small models are not kept on
    /// the disk, and hashing them for each song would take most of its time.
    package func fingerprints(of model: Model) throws -> [Int: String] {
        let files = Self.state(of: [model.folder.path, model.folder.neighbour].compactMap(\.self))
        if let kept = known.withLock({ $0.fingerprints[model.folder.path] }), kept.files == files { return kept.values }
        let values = try model.fingerprints()
        known.withLock { $0.fingerprints[model.folder.path] = (files, values) }
        return values
    }

    /// What tells one state of folders' files from another.
    private static func state(of folders: [String]) -> [String] {
        folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { name in
                var status = stat()
                guard stat("\(folder)/\(name)", &status) == 0 else { return "\(name) -" }
                return "\(name) \(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec) "
                    + "\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec) \(status.st_ctim.tv_nsec)"
            }
        }
    }

    /// The VQ-VAE of the model of that name, loaded once.
    func vqvae(named name: String) throws -> VQVAE { try vqvae(of: model(ofSong: name)) }

    /// The VQ-VAE of a model, loaded once.
    package func vqvae(of model: Model) throws -> VQVAE {
        if let vqvae = known.withLock({ $0.vqvaes[model.folder.path] }) { return vqvae }
        let vqvae = try model.vqvae()
        known.withLock { $0.vqvaes[model.folder.path] = vqvae }
        return vqvae
    }
}
