import Foundation
import JukeboxModel
import Tensor
import Testing

@Suite struct PackedStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("packed-\(UUID().uuidString)")
    private var file: URL { folder.appendingPathComponent("prior_level_0.f16.abc.packed") }

    private func write(_ fingerprint: String = "abc", to file: URL? = nil) throws {
        let store = try #require(PackedStore.create(file ?? self.file, fingerprint: fingerprint, capacity: 4096))
        for (name, count) in [("a", 100), ("b", 3)] {
            let memory = store.memory(name, count: count)
            #expect(!memory.isFilled)
            for index in 0..<count { memory.buffer[index] = UInt8(index + count) }
        }
        // More than was asked for: works, and is not kept.
        #expect(!store.memory("c", count: 5000).isFilled)
        store.finish(replacing: "prior_level_0.f16.")
    }

    @Test func `what was filled is there for whoever opens it, aligned`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write()
        let store = try #require(PackedStore.existing(file, fingerprint: "abc"))
        for (name, count) in [("b", 3), ("a", 100)] {
            let memory = store.memory(name, count: count)
            #expect(memory.isFilled)
            #expect(Array(memory.buffer.elements) == (0..<count).map { UInt8($0 + count) })
            #expect(UInt(bitPattern: memory.buffer.pointer) % 64 == 0)
        }
    }

    @Test func `a store of other weights, a damaged and an unfinished one are none`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write()
        #expect(PackedStore.existing(file, fingerprint: "abd") == nil)
        let whole = try Data(contentsOf: file)
        for size in stride(from: 0, to: whole.count, by: 7) {
            try whole.prefix(size).write(to: file)
            #expect(PackedStore.existing(file, fingerprint: "abc") == nil, "\(size) of \(whole.count) bytes")
        }
        try FileManager.default.removeItem(at: file)
        do {
            let store = try #require(PackedStore.create(file, fingerprint: "abc", capacity: 4096))
            _ = store.memory("a", count: 10)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `a new store takes the place of outdated ones, and of nothing else`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["prior_level_0.f16.old.packed", "prior_level_0.int8.old.packed", "prior_level_0.f16.txt"] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: folder.appendingPathComponent(name))
        }
        try write()
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == [
                "prior_level_0.f16.abc.packed", "prior_level_0.int8.old.packed", "prior_level_0.f16.txt",
            ])
    }

    @Test func `a folder that cannot be written, and a disk without room, give no store`() {
        #expect(PackedStore.create(URL(fileURLWithPath: "/proc/none/x.packed"), fingerprint: "abc", capacity: 1) == nil)
        #expect(PackedStore.create(file, fingerprint: "abc", capacity: 1 << 55) == nil)
    }
}
