package import Checkpoint
import Digest
import Tensor

/// A weight that is missing, has another shape, or has a type that cannot be computed with.
package struct WeightError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// The tensors of one part of a model, after their names, shapes and types were checked against its table.
package struct Weights: Sendable {
    private let stored: WeightSet
    private let table: [WeightSpecification]
    /// Where packed matrices lie; nil for memory of the process alone.
    private let store: PackedStore?
    /// What every tensor must be; nil when that does not matter.
    private let identity: WeightIdentity?

    /// - Throws: `WeightError` naming file, tensor, what was expected and what was found.
    package init(
        _ set: WeightSet, table: [WeightSpecification], store: PackedStore? = nil, identity: WeightIdentity? = nil
    ) throws {
        for wanted in table {
            guard let found = set.tensors[wanted.name] else {
                if wanted.optional { continue }
                throw WeightError(
                    "\(set.source): the tensor \(wanted.name) of shape \(wanted.shape) is missing; the file is of "
                        + "another model or geometry than hparams.json or the preset says")
            }
            guard found.shape == wanted.shape else {
                throw WeightError(
                    "\(set.source): the tensor \(wanted.name) has shape \(found.shape); the geometry expects "
                        + "\(wanted.shape)")
            }
            guard found.type == .float32 || found.type == .float16 || found.type == .bfloat16 else {
                throw WeightError(
                    "\(set.source): the tensor \(wanted.name) is of type \(found.type); expected float32 or float16 (or bfloat16); "
                        + "convert it (such as with .float() in torch) and save it again")
            }
        }
        let known = Set(table.map(\.name))
        if let extra = set.tensors.keys.filter({ !known.contains($0) }).min() {
            throw WeightError(
                "\(set.source): the tensor \(extra) of shape \(set.tensors[extra]!.shape) has no place in this "
                    + "geometry; check hparams.json or the preset")
        }
        stored = set
        self.store = store
        self.identity = identity
        self.table = table
    }

    package var source: String { stored.source }

    package func has(_ name: String) -> Bool { stored.tensors[name] != nil }

    func tensor(_ name: String) throws -> StoredTensor {
        guard let tensor = stored.tensors[name] else {
            throw WeightError("\(stored.source): the tensor \(name) is missing")
        }
        return tensor
    }

    /// The memory of a packed matrix.
    ///
    /// - Throws: `PackedStore.Damage`.
    func memory(_ name: String, count: Int) throws -> PackedMemory {
        try store?.memory(name, count: count) ?? .fresh(count)
    }

    func memory(_ name: String, k: Int, n: Int, storage: WeightType) throws -> PackedMemory {
        try memory(name, count: PackedMatrix.byteCount(k: k, n: n, storage: storage))
    }

    /// Calls `body` with a tensor's bytes, once they are known to be those that they must be.
    ///
    /// - Throws: `WeightsChanged`.
    func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let tensor = try tensor(name)
        return try tensor.withBytes { bytes in
            if let identity, identity.tensors[name] != Digest.fingerprint(bytes) {
                throw WeightsChanged(path: tensor.path, tensor: name)
            }
            return try body(bytes)
        }
    }

    func floats(_ name: String) throws -> [Float] {
        let tensor = try tensor(name)
        return try withBytes(name) { try tensor.floats(of: $0) }
    }

    /// - Throws: `WeightError` naming the first tensor that holds a NaN or an infinity.
    package func checkFinite() throws { try check(.f32) { _, _ in nil } }

    /// - Throws: `WeightError` naming the first of a prior's tensors with a number that is none, or that the profile cannot
    ///   hold, and the profiles that can.
    package func check(
        _ profile: NumericProfile, of prior: PriorHyperparameters, vqvae: VQVAEHyperparameters
    ) throws {
        try check(profile, storage: prior.storage(vqvae: vqvae))
    }

    /// - Parameter storage: what a tensor's numbers become in memory; nil for what they are.
    private func check(_ profile: NumericProfile, storage: (String, NumericProfile) -> WeightType?) throws {
        guard let (tensor, index) = try first(beyond: profile, storage) else { return }
        let value = try tensor.float(at: index)
        guard value.isFinite else {
            throw WeightError(
                "\(stored.source): the tensor \(tensor.name) holds a NaN or infinity at element \(index); the file is "
                    + "damaged")
        }
        let others = try NumericProfile.allCases.filter { try first(beyond: $0, storage) == nil }
        throw WeightError(
            "\(stored.source): the tensor \(tensor.name) holds \(value) at element \(index), which is too large for "
                + "profile \(profile.name) (its limit is \(storage(tensor.name, profile)?.limit ?? .infinity)); "
                + (others.isEmpty
                    ? "no profile can hold it"
                    : "--profile \(others.map(\.name).joined(separator: " or ")) can hold it"))
    }

    private func first(
        beyond profile: NumericProfile, _ storage: (String, NumericProfile) -> WeightType?
    ) throws -> (StoredTensor, Int)? {
        for name in stored.names {
            guard let tensor = stored.tensors[name] else { continue }
            if let index = try tensor.first(notBelow: storage(name, profile)?.limit ?? .infinity) {
                return (tensor, index)
            }
        }
        return nil
    }

    /// The tensor with the number that is farthest from 0, and how far it is.
    package var largest: (name: String, magnitude: Float)? {
        stored.names.compactMap { name in
            stored.tensors[name].flatMap { tensor in (try? tensor.largestMagnitude()).map { (name, $0) } }
        }
        .max { $0.1 < $1.1 }
    }

    /// Stored elements, and bytes.
    package var size: (parameters: Int, bytes: Int) {
        table.compactMap { stored.tensors[$0.name] }.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.byteCount) }
    }

    /// How many elements there are of each type, for people.
    package var types: [String: Int] {
        table.compactMap { stored.tensors[$0.name] }.reduce(into: [:]) { $0["\($1.type)", default: 0] += $1.count }
    }

    /// The fingerprint, without the profile's name in clear, and the hash of every tensor, from one look at the bytes.
    ///
    /// The fingerprint is BLAKE2b over what can influence a token: the numeric profile, the geometry's text, and every
    /// tensor's name, type and bytes in the table's order. The same for both layouts of one model; optional tensors are
    /// left out.
    package func identity(geometry: String, profile: NumericProfile?) throws -> WeightIdentity {
        let stream = Digest.Stream()
        stream.update(profile?.identifier ?? "")
        stream.update(geometry)
        var tensors: [String: String] = [:]
        for wanted in table where !wanted.optional {
            let tensor = try tensor(wanted.name)
            stream.update(wanted.name)
            stream.update("\(tensor.type)")
            try tensor.withBytes { bytes in
                stream.update(bytes)
                tensors[wanted.name] = Digest.fingerprint(bytes)
            }
        }
        return WeightIdentity(fingerprint: stream.finish(), tensors: tensors)
    }
}
