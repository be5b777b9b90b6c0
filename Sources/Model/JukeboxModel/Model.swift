package import Checkpoint
import Foundation
package import SongPlan

/// A model's folder: geometry, names, and its weights when they are asked for.
package struct Model: Sendable {
    /// As the user named it.
    package let name: String
    package let folder: ModelFolder
    package let hyperparameters: Hyperparameters
    package let geometry: ModelGeometry
    /// One a level.
    package let labellers: [Labeller]
    /// How its priors compute.
    package let profile: NumericProfile

    /// Opens a folder; nothing but small files is read.
    ///
    /// - Parameter preset: the geometry for folders without `hparams.json` or `config.json`; by default the
    ///   folder's own name when that is a preset's.
    /// - Parameter profile: how its priors compute; part of its fingerprints.
    /// - Throws: `CheckpointError`, `HyperparameterError`, `LabelError`.
    package init(path: String, preset: String? = nil, profile: NumericProfile = .standard) throws {
        self.profile = profile
        let url = URL(fileURLWithPath: path, isDirectory: true)
        if let problem = ModelPlace.problem(path) { throw CheckpointError(.missing, path, problem) }
        folder = try ModelFolder.open(url.path)
        name = url.standardizedFileURL.lastPathComponent
        if let preset {
            hyperparameters = try Hyperparameters(preset: preset)
            try Self.checkOwnGeometry(of: folder, is: hyperparameters, preset: preset)
        } else if let json = folder.hyperparameters {
            hyperparameters = try Hyperparameters(
                json: JSONEncoder().encode(json), source: folder.hyperparametersSource ?? url.path)
        } else if Hyperparameters.presets.contains(name) {
            hyperparameters = try Hyperparameters(preset: name)
        } else {
            throw HyperparameterError(
                "\(url.path) has neither hparams.json nor config.json, so its geometry is unknown; name it with "
                    + "--preset (\(Hyperparameters.presets.joined(separator: ", ")))")
        }
        geometry = hyperparameters.geometry
        let folders = [url] + (folder.neighbour.map { [URL(fileURLWithPath: $0)] } ?? [])
        let lists = [
            false: try NameLists(folders: folders, v3: false), true: try NameLists(folders: folders, v3: true),
        ]
        let hops = hyperparameters.vqvae.samplesPerToken
        labellers = hyperparameters.priors.enumerated().map {
            Labeller(prior: $1, samplesPerToken: hops[$0], names: lists[$1.labelsV3]!)
        }
    }

    /// A preset is for folders that do not say their geometry.
    private static func checkOwnGeometry(
        of folder: ModelFolder, is hyperparameters: Hyperparameters, preset: String
    ) throws {
        guard let json = folder.hyperparameters else { return }
        let source = folder.hyperparametersSource ?? folder.path
        guard try Hyperparameters(json: JSONEncoder().encode(json), source: source) != hyperparameters else { return }
        throw HyperparameterError(
            "\(source) gives the model's geometry, which is not that of --preset \(preset); leave --preset away, or "
                + "move that file away if it is wrong")
    }

    package func vqvae() throws -> VQVAE {
        try VQVAE(hyperparameters.vqvae, weights: folder.weights(of: .vqvae))
    }

    /// Loads a level's prior, through the store of its packed matrices where it is large: see `PackedStore`.
    ///
    /// Every byte that comes into memory is compared with the level's identity.
    ///
    /// - Parameters:
    ///   - profile: another than the model's.
    ///   - announced: what the weights must be; nil for whatever they are.
    ///   - firstLayers: loads, and reads, so many layers alone, for their activations; nil for all.
    /// - Throws: `ModelChanged` when they are not what was announced.
    package func prior(
        level: Int, profile: NumericProfile? = nil, announced: WeightIdentity? = nil, firstLayers: Int? = nil
    ) throws -> Prior {
        let profile = profile ?? self.profile
        do {
            let identity = try announced ?? identity(level: level, profile: profile, firstLayers: firstLayers)
            return try load(level, profile, identity, firstLayers)
        } catch let change as WeightsChanged {
            // What is remembered of files by their names may be wrong; their bytes are not.
            let now = try identity(level: level, profile: profile, firstLayers: firstLayers, isFresh: true)
            if let announced, announced.fingerprint != now.fingerprint {
                throw ModelChanged(
                    level: level, cause: change.description, announced: announced.fingerprint, found: now.fingerprint)
            }
            return try load(level, profile, now, firstLayers)
        }
    }

    /// A store that is damaged is made anew.
    private func load(
        _ level: Int, _ profile: NumericProfile, _ identity: WeightIdentity, _ firstLayers: Int?
    ) throws -> Prior {
        let set = try weightSet(level: level, firstLayers: firstLayers)
        let storeName = Self.storeName(level: level, profile: profile, firstLayers: firstLayers)
        func load(_ store: PackedStore?) throws -> Prior {
            try Prior(
                hyperparameters.priors[level], vqvae: hyperparameters.vqvae, weights: set, profile: profile,
                store: store, identity: identity, firstLayers: firstLayers)
        }
        var store = store(of: set, name: storeName, profile: profile, fingerprint: identity.fingerprint)
        let prior: Prior
        do {
            prior = try load(store)
        } catch let damage as PackedStore.Damage {
            damage.remove()
            store = self.store(of: set, name: storeName, profile: profile, fingerprint: identity.fingerprint)
            prior = try load(store?.isComplete == true ? nil : store)
        }
        if let store, !store.isComplete {
            // The disk takes its time; until then the matrices are in memory alone.
            Thread.detachNewThread { store.finish(replacing: storeName) }
        }
        return prior
    }

    /// One store of first layers is kept, whatever their number.
    private static func storeName(level: Int, profile: NumericProfile, firstLayers: Int?) -> String {
        "\(firstLayers == nil ? "prior" : "first_layers")_level_\(level).\(profile.name)."
    }

    /// Stores are worth their room on the disk from this size of the stored weights on; tests have smaller ones.
    package var storesFrom = 256 << 20

    private func store(
        of set: WeightSet, name: String, profile: NumericProfile, fingerprint: String
    ) -> PackedStore? {
        let size = set.tensors.values.reduce(0) { $0 + $1.byteCount }
        guard size >= storesFrom else { return nil }
        let name = name + fingerprint.suffix(16) + ".packed"
        let places = [
            URL(fileURLWithPath: folder.path).appendingPathComponent(".packed"), FingerprintCache.packedFolder,
        ].map { $0.appendingPathComponent(name) }
        for place in places {
            if let store = PackedStore.existing(place, fingerprint: fingerprint) { return store }
        }
        let numbers = set.tensors.values.reduce(0) { $0 + $1.count }
        for place in places {
            if let store = PackedStore.create(
                place, fingerprint: fingerprint, capacity: profile.mostBytes(of: numbers) + size / 8)
            {
                return store
            }
        }
        return nil
    }

    /// The checked weights of a part.
    package func weights(of part: ModelPart) throws -> Weights {
        switch part {
        case .vqvae:
            try Weights(folder.weights(of: part), table: WeightTable.vqvae(hyperparameters.vqvae))
        case .prior(let level):
            try Weights(
                folder.weights(of: part),
                table: WeightTable.prior(hyperparameters.priors[level], vqvae: hyperparameters.vqvae))
        }
    }

    /// What a worker must share to sample a level: a hash of its prior's weights, geometry and numeric profile.
    package func fingerprint(level: Int, profile: NumericProfile? = nil) throws -> String {
        try identity(level: level, profile: profile).fingerprint
    }

    /// The fingerprint with what it was made of.
    ///
    /// - Parameters:
    ///   - firstLayers: of so many layers alone, whose tensors alone are read; nil for all.
    ///   - isFresh: the files are read now, whatever is remembered of them.
    package func identity(
        level: Int, profile: NumericProfile? = nil, firstLayers: Int? = nil, isFresh: Bool = false
    ) throws -> WeightIdentity {
        let profile = profile ?? self.profile
        let set = try weightSet(level: level, firstLayers: firstLayers)
        let (h, vqvae) = (hyperparameters.priors[level], hyperparameters.vqvae)
        let part = firstLayers.map { "; first \($0) layers" } ?? ""
        var identity = try FingerprintCache.value(
            files: Set(set.tensors.values.map(\.path)).sorted(),
            salt: "\(profile.identifier) \(h)\(part)", isFresh: isFresh
        ) {
            try Weights(set, table: WeightTable.prior(h, vqvae: vqvae, firstLayers: firstLayers)).identity(
                geometry: h.identity(vqvae: vqvae) + part, profile: profile)
        }
        // The profile in clear, so that whoever compares two sees why they differ.
        identity.fingerprint = "\(profile.identifier):\(identity.fingerprint)"
        return identity
    }

    /// The tensors of a level's prior, or of its first layers, once the names and shapes of all were checked.
    private func weightSet(level: Int, firstLayers: Int?) throws -> WeightSet {
        let set = try folder.weights(of: .prior(level: level))
        guard let firstLayers else { return set }
        let (h, vqvae) = (hyperparameters.priors[level], hyperparameters.vqvae)
        _ = try Weights(set, table: WeightTable.prior(h, vqvae: vqvae))
        let needed = Set(WeightTable.prior(h, vqvae: vqvae, firstLayers: firstLayers).map(\.name))
        return WeightSet(part: set.part, tensors: set.tensors.filter { needed.contains($0.key) }, source: set.source)
    }

    package func fingerprints() throws -> [Int: String] {
        var result: [Int: String] = [:]
        for level in hyperparameters.priors.indices { result[level] = try fingerprint(level: level) }
        return result
    }
}

extension PriorHyperparameters {
    /// What of the geometry can influence a token, as text; the same for both layouts of one model.
    fileprivate func identity(vqvae: VQVAEHyperparameters) -> String {
        let top = level == vqvae.levels - 1
        var parts = [
            "level \(level) codes \(vqvae.codes) window \(windowLength) \(transformer(codes: vqvae.codes))",
            "merged \(mergedDecoder) prefix \(lyricPrefix) lyrics \(lyricLength) \(lyricVocabulary) v3 \(labelsV3)",
            "labels \(labels) \(genreAndArtistBins ?? []) \(genreSlots ?? 0)",
            "hops \(vqvae.samplesPerToken)",
        ]
        if let lyricTransformer { parts.append("encoder \(lyricTransformer)") }
        if top {
            parts.append("times \(timeBins) \(ranges.map { "\($0.low) \($0.high)" })")
        } else {
            parts.append(
                "conditioner \(conditionerWidth) \(conditionerDepth) \(conditionerMultiplier) "
                    + "\(conditionerScalesResiduals) \(conditionerDilationGrowth) \(conditionerDilationCycle ?? 0) "
                    + "\(vqvae.downs[level + 1]) \(vqvae.strides[level + 1])")
        }
        return parts.joined(separator: "; ")
    }
}
