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
            let memory = try store.memory(name, count: count)
            #expect(!memory.isFilled)
            for index in 0..<count { memory.buffer[index] = UInt8(index + count) }
        }
        store.finish(replacing: "prior_level_0.f16.")
    }

    @Test func `what was filled is there for whoever opens it, aligned`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write()
        let store = try #require(PackedStore.existing(file, fingerprint: "abc"))
        for (name, count) in [("b", 3), ("a", 100)] {
            let memory = try store.memory(name, count: count)
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
            _ = try store.memory("a", count: 10)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `a flipped bit, zeros and a missing end are found when a blob is read, whatever block they are in`()
        throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        let count = 5 << 20 + 77
        let store = try #require(PackedStore.create(file, fingerprint: "abc", capacity: 1 << 23))
        let memory = try store.memory("a", count: count)
        for index in 0..<count { memory.buffer[index] = UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 13) }
        store.finish(replacing: "prior_level_0.f16.")
        let whole = try Data(contentsOf: file)
        for place in [0, 1 << 20, 3 << 20 + 5, count - 1] {
            let store = try #require(PackedStore.existing(file, fingerprint: "abc"))
            var damaged = whole
            damaged[place] ^= 16
            try damaged.write(to: file, options: [])
            let again = try #require(PackedStore.existing(file, fingerprint: "abc"))
            #expect(throws: PackedStore.Damage.self) { try again.memory("a", count: count) }
            // In place, under a store that is open.
            #expect(throws: PackedStore.Damage.self) { try store.memory("a", count: count) }
            try whole.write(to: file, options: [])
        }
        let open = try #require(PackedStore.existing(file, fingerprint: "abc"))
        #expect(truncate(file.path, 1 << 20) == 0)
        #expect(throws: PackedStore.Damage.self) { try open.memory("a", count: count) }
        #expect(throws: PackedStore.Damage.self) { try open.memory("b", count: 1) }
        #expect(PackedStore.existing(file, fingerprint: "abc") == nil)
    }

    @Test func `a changed byte in any block of 4 KiB is found, or is none of a blob`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let counts = ["a": 300_000, "b": 77]
        let store = try #require(PackedStore.create(file, fingerprint: "abc", capacity: 1 << 20))
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            let memory = try store.memory(name, count: count)
            for index in 0..<count { memory.buffer[index] = UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 13) }
        }
        store.finish(replacing: "prior_level_0.f16.")
        let whole = try Data(contentsOf: file)
        func read() throws -> [String: [UInt8]]? {
            guard let store = PackedStore.existing(file, fingerprint: "abc") else { return nil }
            return try counts.reduce(into: [:]) { result, blob in
                let memory = try store.memory(blob.key, count: blob.value)
                result[blob.key] = withExtendedLifetime((store, memory)) { Array(memory.buffer.elements) }
            }
        }
        let expected = try #require(try read())
        var found = 0
        for block in stride(from: 0, to: whole.count, by: 4096) {
            let end = min(block + 4096, whole.count)
            for place in Set([block, (block + end) / 2, end - 1]) {
                var damaged = whole
                damaged[place] ^= 0x40
                try damaged.write(to: file, options: [])
                do {
                    guard let now = try read() else {
                        found += 1
                        continue
                    }
                    #expect(now == expected, "byte \(place) of \(whole.count)")
                } catch is PackedStore.Damage { found += 1 }
            }
        }
        #expect(found > 2 * whole.count / 4096)
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
