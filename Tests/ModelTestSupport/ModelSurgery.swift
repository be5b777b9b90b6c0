package import Checkpoint
package import Foundation
package import JukeboxModel

/// A tensor as bytes, to be changed and written again.
package struct LooseTensor {
    package var name: String
    package var type: ElementType
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    package init(_ tensor: StoredTensor) {
        self.init(
            name: tensor.name, type: tensor.type, shape: tensor.shape,
            bytes: (try? tensor.withBytes { Array($0) }) ?? [])
    }

    /// Sets one float32 element.
    package mutating func set(_ index: Int, to value: Float) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) {
            bytes.replaceSubrange(index * 4..<index * 4 + 4, with: $0)
        }
    }

    /// Makes every float32 element the largest number there is, with alternating signs.
    package mutating func overflow() {
        for index in 0..<bytes.count / 4 {
            set(index, to: index.isMultiple(of: 2) ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude)
        }
    }
}

/// A copy of a fixture whose weights can be changed.
package struct ModelCopy {
    package let folder: TemporaryFolder
    private let model: Model

    package init(_ fixture: Fixture) throws {
        folder = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path) {
            try FileManager.default.createSymbolicLink(
                at: folder.file(name), withDestinationURL: fixture.folder.appendingPathComponent(name))
        }
        model = try fixture.model()
    }

    /// Writes a part anew, as safetensors, after `change`; the copy then has no other file of that part.
    package func rewrite(_ part: ModelPart, _ change: (inout [String: LooseTensor]) -> Void = { _ in }) throws {
        var tensors: [String: LooseTensor] = [:]
        for (name, tensor) in try model.folder.weights(of: part).tensors { tensors[name] = LooseTensor(tensor) }
        change(&tensors)
        let order = tensors.keys.sorted()
        let writer = try SafetensorsWriter(
            path: folder.file("\(part).safetensors").path,
            entries: order.map { SafetensorsWriter.Entry(name: $0, type: tensors[$0]!.type, shape: tensors[$0]!.shape) }
        )
        for name in order { try writer.write(tensors[name]!.bytes, to: name) }
        try writer.finish()
        try? FileManager.default.removeItem(at: folder.file("\(part).pth.tar"))
    }

    package func open() throws -> Model { try Model(path: folder.path, profile: .f32) }
}

/// Hyperparameters as JSON, to be changed.
package struct LooseJSON {
    package var object: [String: Any]

    package init(_ data: Data) throws {
        object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    package init(preset: String) throws { try self.init(Hyperparameters.json(preset: preset)) }

    /// Sets `section.field`; nil removes it.
    package mutating func set(_ path: String, _ value: Any?) {
        let parts = path.split(separator: ".").map(String.init)
        guard parts.count == 2 else {
            object[path] = value
            return
        }
        var section = object[parts[0]] as? [String: Any] ?? [:]
        section[parts[1]] = value
        object[parts[0]] = section
    }

    package var data: Data {
        get throws { try JSONSerialization.data(withJSONObject: object) }
    }
}

/// Writes and opens a model of random weights with changed hyperparameters.
package func randomModel(
    preset: String = "tiny", seed: UInt64 = 1, in folder: TemporaryFolder, _ changes: [(String, Any?)] = []
) throws -> Model {
    var json = try LooseJSON(preset: preset)
    for (path, value) in changes { json.set(path, value) }
    let data = try json.data
    let hyperparameters = try Hyperparameters(json: data, source: "test")
    let place = folder.file("model-\(UUID().uuidString)")
    try ModelWriter.write(hyperparameters, json: data, seed: seed, folder: place)
    return try Model(path: place.path, profile: .f32)
}
