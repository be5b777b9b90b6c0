import Checkpoint
import Foundation
import JukeboxModel
import ModelTestSupport
import Testing

/// What comes into memory is what was announced, or nothing is loaded.
@Suite struct LoadedWeightsTests {
    private let part = ModelPart.prior(level: 1)

    /// A copy of a model of which one level can be rewritten in place.
    private func copy() throws -> (ModelCopy, Model) {
        let copy = try ModelCopy(.twoLevel)
        try copy.rewrite(part)
        return (copy, try copy.open())
    }

    private func flip(_ copy: ModelCopy) throws {
        try copy.rewrite(part) { $0["prior.transformer._attn_mods.0.mlp.c_fc.w"]!.bytes[1] ^= 1 }
    }

    @Test func `weights that were replaced since they were announced are not loaded, and the file is named`() throws {
        let (copy, model) = try copy()
        let announced = try model.identity(level: 1)
        _ = try model.prior(level: 1, announced: announced)
        try flip(copy)
        let error = #expect(throws: ModelChanged.self) { try model.prior(level: 1, announced: announced) }
        let text = error?.description ?? ""
        #expect(text.contains("prior_level_1.safetensors") && text.contains(announced.fingerprint))
        #expect(text.contains(try model.fingerprint(level: 1)))
        // Whoever announced nothing has what is there.
        _ = try model.prior(level: 1)
        try copy.rewrite(part)
        _ = try model.prior(level: 1, announced: announced)
    }

    @Test func `a file that becomes shorter while it is open is an error, whatever is read of it`() throws {
        let (copy, model) = try copy()
        let path = copy.folder.file("prior_level_1.safetensors").path
        let checkpoint = try Checkpoint.open(path: path)
        #expect(truncate(path, 8192) == 0)
        var failures = 0
        for tensor in checkpoint.tensors.values {
            do { try tensor.withBytes { _ in } } catch { failures += 1 }
        }
        #expect(failures > checkpoint.tensors.count / 2)
        #expect(throws: (any Error).self) { try model.prior(level: 1) }
    }

    @Test func `tables of a file that becomes shorter read as zeros, and it is said`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x").path
        try Data(repeating: 7, count: 1 << 20).write(to: folder.file("x"))
        let file = try MappedFile(path: path)
        #expect(file.bytes[1 << 19] == 7)
        try file.checkWhole()
        #expect(truncate(path, 4096) == 0)
        #expect(file.bytes[1 << 19] == 0 && file.bytes[(1 << 20) - 1] == 0)
        #expect(throws: CheckpointError.self) { try file.checkWhole() }
    }

    @Test func `a damaged store is made anew, and the weights are the same`() async throws {
        let (copy, original) = try copy()
        var model = original
        model.storesFrom = 1
        let stores = copy.folder.file(".packed")
        func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: stores.path)) ?? [] }
        func wait(_ body: () throws -> Bool) async throws {
            for _ in 0..<500 where try !body() { try await Task.sleep(for: .milliseconds(10)) }
            #expect(try body())
        }
        _ = try model.prior(level: 1)
        try await wait { names().contains { $0.hasSuffix(".packed") } }
        let file = stores.appendingPathComponent(try #require(names().first { $0.hasSuffix(".packed") }))
        let whole = try Data(contentsOf: file)
        var zeros = whole
        zeros.resetBytes(in: 0..<min(4096, whole.count / 2))
        for damaged in [zeros, whole.prefix(whole.count / 2), Data()] {
            try damaged.write(to: file, options: [])
            _ = try model.prior(level: 1)
            try await wait { (try? Data(contentsOf: file)) == whole }
        }
    }
}
