import Foundation

/// Models for whole-program tests.
package enum TestModel {
    /// The tiny preset's three levels, made once a run.
    private static let made = Task {
        let path = try TestFolder.make("model") + "/tiny"
        try await Orchestrion.succeed(["model", "init", "--preset", "tiny", "--seed", "11", path])
        return path
    }

    package static func tiny() async throws -> String { try await made.value }

    /// The reference models.
    package static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path

    /// A copy of a folder under another name, or under the same one elsewhere.
    package static func copy(_ model: String, as name: String) throws -> String {
        let path = try TestFolder.place(name)
        try FileManager.default.copyItem(atPath: model, toPath: path)
        return path
    }

    /// Overwrites numbers at the start of a float32 tensor in a safetensors file.
    ///
    /// - Parameter name: the tensor; by default the first of the file.
    package static func alter(_ file: String, tensor name: String? = nil, to values: [Float]) throws {
        let tensors = try Safetensors(file)
        let place = try tensors.place(of: name ?? tensors.firstName)
        guard place.count >= values.count * 4 else { throw TestSupportError("the tensor of \(file) is too small") }
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(place.lowerBound))
        try handle.write(contentsOf: values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
    }
}
