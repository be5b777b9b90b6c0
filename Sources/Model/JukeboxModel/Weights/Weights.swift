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

    /// - Throws: `WeightError` naming file, tensor, what was expected and what was found.
    package init(_ set: WeightSet, table: [WeightSpecification], store: PackedStore? = nil) throws {
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
    func memory(_ name: String, count: Int) -> PackedMemory { store?.memory(name, count: count) ?? .fresh(count) }

    func memory(_ name: String, k: Int, n: Int, storage: WeightType) -> PackedMemory {
        memory(name, count: PackedMatrix.byteCount(k: k, n: n, storage: storage))
    }

    func floats(_ name: String) throws -> [Float] { try tensor(name).floats() }

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
        guard let (tensor, index) = first(beyond: profile, storage) else { return }
        let value = try tensor.float(at: index)
        guard value.isFinite else {
            throw WeightError(
                "\(stored.source): the tensor \(tensor.name) holds a NaN or infinity at element \(index); the file is "
                    + "damaged")
        }
        let others = NumericProfile.allCases.filter { first(beyond: $0, storage) == nil }
        throw WeightError(
            "\(stored.source): the tensor \(tensor.name) holds \(value) at element \(index), which is too large for "
                + "profile \(profile.name) (its limit is \(storage(tensor.name, profile)?.limit ?? .infinity)); "
                + (others.isEmpty
                    ? "no profile can hold it"
                    : "--profile \(others.map(\.name).joined(separator: " or ")) can hold it"))
    }

    private func first(
        beyond profile: NumericProfile, _ storage: (String, NumericProfile) -> WeightType?
    ) -> (StoredTensor, Int)? {
        for name in stored.names {
            guard let tensor = stored.tensors[name] else { continue }
            if let index = tensor.first(notBelow: storage(name, profile)?.limit ?? .infinity) { return (tensor, index) }
        }
        return nil
    }

    /// The tensor with the number that is farthest from 0, and how far it is.
    package var largest: (name: String, magnitude: Float)? {
        stored.names.compactMap { name in stored.tensors[name].map { (name, $0.largestMagnitude()) } }
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

    /// BLAKE2b over what can influence a token: the numeric profile, the geometry's text, and every tensor's name,
    /// type and bytes in the table's order. The same for both layouts of one model; optional tensors are left out.
    package func fingerprint(geometry: String, profile: NumericProfile) throws -> String {
        let stream = Digest.Stream()
        stream.update(profile.identifier)
        stream.update(geometry)
        for wanted in table where !wanted.optional {
            let tensor = try tensor(wanted.name)
            stream.update(wanted.name)
            stream.update("\(tensor.type)")
            let bytes = tensor
            bytes.withBytes { stream.update($0) }
        }
        return stream.finish()
    }
}
