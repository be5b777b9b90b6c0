import Checkpoint
package import Foundation
import SystemErrors
import Tensor

/// How features are written.
package enum FeatureFormat: String, Sendable, CaseIterable {
    case npy, npz, safetensors
}

/// The files of a recording's features in a folder.
///
/// `.npy` holds one array, so there is a file for each layer (`NAME.layer36.npy`, or `NAME.npy` of a single one) and slice
/// (`NAME_slice0.npy`, EDGE's name). The others hold `layer_36` and so on, and slices along a first axis.
package struct FeatureFiles: Sendable {
    /// Where the files go.
    package let folder: URL
    /// Of the recording, without an extension; may lead into folders.
    package let name: String

    package init(folder: URL, name: String) { (self.folder, self.name) = (folder, name) }

    package var record: URL { folder.appendingPathComponent(name + ".json") }

    /// - Parameter features: by slice, by layer.
    /// - Returns: what was written, with names relative to the folder.
    package func write(
        _ features: [[FeatureArray]], layers: [Int], sliced: Bool, format: FeatureFormat
    ) throws -> [FeatureRecord.Output] {
        try OutputFolder.make(record.deletingLastPathComponent().path)
        guard format == .npy else {
            return [try writeTogether(features, layers: layers, sliced: sliced, format: format)]
        }
        return try features.enumerated().flatMap { slice, arrays in
            try zip(layers, arrays).map { layer, array in
                let file =
                    name + (sliced ? "_slice\(slice)" : "") + (layers.count > 1 ? ".layer\(layer)" : "") + ".npy"
                try withExtendedLifetime(array) {
                    try NumpyFile.write(
                        .init(name: "", shape: array.shape, bytes: UnsafeRawBufferPointer(array.values.elements)),
                        to: folder.appendingPathComponent(file).path)
                }
                return try output(file, ["layer_\(layer)": array.shape])
            }
        }
    }

    private func writeTogether(
        _ features: [[FeatureArray]], layers: [Int], sliced: Bool, format: FeatureFormat
    ) throws -> FeatureRecord.Output {
        let arrays = layers.indices.map { layer in
            sliced ? FeatureArray.stacking(features.map { $0[layer] }) : features[0][layer]
        }
        let file = "\(name).\(format.rawValue)"
        let path = folder.appendingPathComponent(file).path
        let named = zip(layers, arrays).map { ("layer_\($0)", $1) }
        try withExtendedLifetime(arrays) {
            if format == .npz {
                try NumpyFile.writeArchive(
                    named.map {
                        .init(name: $0.0, shape: $0.1.shape, bytes: UnsafeRawBufferPointer($0.1.values.elements))
                    }, to: path)
            } else {
                let writer = try SafetensorsWriter(
                    path: path, entries: named.map { .init(name: $0.0, type: .float32, shape: $0.1.shape) })
                for (name, array) in named {
                    try writer.write(UnsafeRawBufferPointer(array.values.elements), to: name)
                }
                try writer.finish()
            }
        }
        return try output(file, Dictionary(uniqueKeysWithValues: named.map { ($0.0, $0.1.shape) }))
    }

    private func output(_ file: String, _ shapes: [String: [Int]]) throws -> FeatureRecord.Output {
        let path = folder.appendingPathComponent(file).path
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        return FeatureRecord.Output(file: file, bytes: size ?? 0, shapes: shapes)
    }

    /// Takes away what an earlier record names, and the record.
    package func remove(_ old: FeatureRecord) {
        // A record of others may name anything; only what could be this recording's goes.
        for output in old.outputs where output.file.hasPrefix(name) && !output.file.contains("..") {
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(output.file))
        }
        try? FileManager.default.removeItem(at: record)
    }
}

extension FeatureArray {
    /// Arrays of one shape along a new first axis.
    package static func stacking(_ arrays: [FeatureArray]) -> FeatureArray {
        let count = arrays[0].values.count
        let all = Buffer<Float>(count: arrays.count * count)
        for (index, array) in arrays.enumerated() {
            (all.pointer + index * count).update(from: array.values.pointer, count: count)
        }
        return FeatureArray(shape: [arrays.count] + arrays[0].shape, values: all)
    }
}
