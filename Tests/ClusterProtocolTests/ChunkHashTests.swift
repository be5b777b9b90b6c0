import ClusterProtocol
import ModelTestSupport
import Testing

/// A chunk that was changed on its way must not be journaled.
@Suite struct ChunkHashTests {
    private let chunk = WireCodecTests.chunk

    @Test func `the hash does not depend on itself and survives the wire`() throws {
        var other = chunk
        other.hash = 0
        #expect(other.expectedHash == chunk.expectedHash)
        let decoded = try WireToCoordinator(payload: WireToCoordinator(kind: .chunk(chunk)).payload())
        #expect(decoded.chunk.expectedHash == chunk.hash)
        // Other releases must compute the same.
        var small = WireChunk()
        small.task.song = "a"
        small.tokens = [1, 2]
        #expect(small.expectedHash == 11_588_165_302_036_958_189)
    }

    @Test func `every field counts`() {
        let changes: [(String, (inout WireChunk) -> Void)] = [
            ("song", { $0.task.song += "0" }), ("song shorter", { $0.task.song.removeLast() }),
            ("sample", { $0.task.sample += 1 }), ("level", { $0.task.level += 1 }), ("window", { $0.task.window += 1 }),
            ("epoch", { $0.epoch += 1 }), ("epoch's high bits", { $0.epoch |= 1 << 63 }), ("start", { $0.start += 1 }),
            ("sample and level swapped", { ($0.task.sample, $0.task.level) = ($0.task.level, $0.task.sample) }),
            ("window and start swapped", { ($0.task.window, $0.start) = ($0.start, $0.task.window) }),
            ("a token less", { $0.tokens.removeLast() }), ("a token more", { $0.tokens.append(0) }),
            ("two tokens swapped", { $0.tokens.swapAt(3, 4) }), ("no tokens", { $0.tokens = [] }),
            ("a token's high bits", { $0.tokens[0] |= 1 << 31 }),
        ]
        var hashes: Set<UInt64> = [chunk.expectedHash]
        for (name, change) in changes {
            var other = chunk
            change(&other)
            #expect(hashes.insert(other.expectedHash).inserted, "\(name)")
        }
        for index in chunk.tokens.indices {
            var other = chunk
            other.tokens[index] ^= 1
            #expect(hashes.insert(other.expectedHash).inserted, "token \(index)")
        }
    }

    @Test func `bytes do not move between the song's name and what follows`() {
        var a = WireChunk()
        a.task.song = "a\u{0}"
        var b = WireChunk()
        b.task.song = "a"
        #expect(a.expectedHash != b.expectedHash)
    }
}
