import Checkpoint
import Foundation
package import JukeboxModel
import SongFiles
import Synchronization

/// The models that a coordinator knows, by the names that songs use.
package final class ModelRegistry: Sendable {
    private struct Known {
        var models: [String: Model] = [:]
        var vqvaes: [String: VQVAE] = [:]
    }
    private let known = Mutex(Known())
    /// The geometry for folders without their own.
    private let preset: String?
    private let profile: NumericProfile

    /// - Parameter profile: how the models' priors compute.
    package init(preset: String? = nil, profile: NumericProfile = .standard) {
        self.preset = preset
        self.profile = profile
    }

    /// Opens a model's folder and remembers it by its name and its path.
    @discardableResult
    package func add(path: String) throws -> Model { try add(path: path, preset: preset) }

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

    /// The model of that name or folder.
    ///
    /// - Throws: `SongError` that lists what is known.
    package func model(_ name: String) throws -> Model {
        let full = URL(fileURLWithPath: name).standardizedFileURL.path
        let last = URL(fileURLWithPath: name).lastPathComponent
        if let model = known.withLock({ $0.models[full] ?? $0.models[name] }) { return model }
        if FileManager.default.fileExists(atPath: full) { return try add(path: full) }
        if let model = known.withLock({ $0.models[last] }) { return model }
        if name.hasPrefix("/") {
            throw SongError(
                "the model's folder \(name) is not there" + (ModelPlace.origin(of: name).map { ". \($0)" } ?? ""))
        }
        let names = Set(known.withLock { $0.models.values.map(\.name) }).sorted()
        throw SongError(
            "no model is called \(name) here, and there is no such folder; "
                + (names.isEmpty
                    ? "--model takes a model's folder" : "the coordinator has \(names.joined(separator: ", "))")
                + (ModelPlace.origin(of: name).map { ". \($0)" } ?? "")
        )
    }

    /// The VQ-VAE of the model of that name, loaded once.
    func vqvae(named name: String) throws -> VQVAE { try vqvae(of: model(name)) }

    /// The VQ-VAE of a model, loaded once.
    package func vqvae(of model: Model) throws -> VQVAE {
        if let vqvae = known.withLock({ $0.vqvaes[model.folder.path] }) { return vqvae }
        let vqvae = try model.vqvae()
        known.withLock { $0.vqvaes[model.folder.path] = vqvae }
        return vqvae
    }
}
