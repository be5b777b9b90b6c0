import CKernels
import Foundation
import Tensor
import Testing

@Suite struct RandomTests {
    /// The known answers published with Random123.
    @Test func `Philox gives its known answers`() {
        let ones = UInt32.max
        #expect(
            philox(counter: (0, 0, 0, 0), key: (0, 0))
                == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            philox(counter: (ones, ones, ones, ones), key: (ones, ones))
                == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            philox(
                counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: (0xa409_3822, 0x299f_31d0))
                == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }
}

@Suite struct GumbelTests {
    private func draw(
        _ kernels: Kernels, _ logits: [Float], seed: UInt64 = 1, sample: UInt32 = 0, level: UInt32 = 0,
        position: UInt32 = 0
    ) -> Int? {
        kernels.gumbelArgmax(
            logits, count: logits.count, seed: seed, sample: sample, level: level, position: position)
    }

    @Test func `every instruction set draws the same token`() {
        var random = Generator(21)
        for n in oddSizes + [2048] {
            for _ in 0..<5 {
                let logits = random.floats(n, 8)
                let seed = random.next()
                let position = UInt32(truncatingIfNeeded: random.next())
                let define = draw(scalar, logits, seed: seed, sample: 3, level: 2, position: position)
                #expect((define == nil) == (n == 0))
                for kernels in vectors {
                    let token = draw(kernels, logits, seed: seed, sample: 3, level: 2, position: position)
                    #expect(token == define, "\(kernels.name) n \(n)")
                }
            }
        }
    }

    @Test func `the noise is that of the documented words`() {
        let (seed, position, n) = (UInt64(0x1234_5678_9abc_def0), UInt32(77), 101)
        var noise: [Double] = []
        for i in 0..<n {
            let words = philox(counter: (5, 1, position, UInt32(i / 4)), key: (0x9abc_def0, 0x1234_5678))
            let word = [words.0, words.1, words.2, words.3][i % 4]
            noise.append(-log(-log((Double(word >> 9) + 0.5) / 8_388_608)))
        }
        // A large logit that overtakes the winner at the right place shows the size of the winner's noise.
        let winner = noise.firstIndex(of: noise.max()!)!
        for kernels in Kernels.available {
            var logits = [Float](repeating: 0, count: n)
            #expect(draw(kernels, logits, seed: seed, sample: 5, level: 1, position: position) == winner)
            for i in 0..<n where i != winner {
                let gap = Float(noise[winner] - noise[i])
                logits[i] = gap + 1e-4
                #expect(draw(kernels, logits, seed: seed, sample: 5, level: 1, position: position) == i)
                logits[i] = gap - 1e-4
                #expect(draw(kernels, logits, seed: seed, sample: 5, level: 1, position: position) == winner)
                logits[i] = 0
            }
        }
    }

    @Test func `tokens come as often as their probability says`() {
        let logits: [Float] = [0, 1, 2, -.infinity, 0.5]
        var counts = [Int](repeating: 0, count: 5)
        let draws = 40_000
        for position in 0..<draws { counts[draw(.active, logits, position: UInt32(position))!] += 1 }
        let total = logits.map { exp(Double($0)) }.reduce(0, +)
        for i in 0..<5 {
            let expected = exp(Double(logits[i])) / total
            #expect(abs(Double(counts[i]) / Double(draws) - expected) < 0.01)
        }
        #expect(counts[3] == 0)
    }

    @Test func `each part of the counter and the key changes the draw`() {
        let logits = [Float](repeating: 0, count: 2048)
        let base = draw(.active, logits)
        #expect(draw(.active, logits) == base)
        #expect(draw(.active, logits, seed: 1 + 1 << 32) != base)
        #expect(draw(.active, logits, seed: 2) != base)
        #expect(draw(.active, logits, sample: 1) != base)
        #expect(draw(.active, logits, level: 1) != base)
        #expect(draw(.active, logits, position: 1) != base)
    }

    @Test func `nothing is drawn from poisoned or empty logits`() {
        for kernels in Kernels.available {
            for n in [1, 9, 70] {
                for index in [0, n - 1] {
                    var logits = [Float](repeating: 0, count: n)
                    logits[index] = .nan
                    #expect(draw(kernels, logits) == nil)
                    logits[index] = .infinity
                    #expect(draw(kernels, logits) == nil)
                    logits = [Float](repeating: -.infinity, count: n)
                    #expect(draw(kernels, logits) == nil)
                    logits[index] = -1000
                    #expect(draw(kernels, logits) == index)
                }
            }
        }
    }
}

@Suite struct FilterTests {
    private func topK(_ logits: [Float], _ k: Int) -> [Float] {
        var out = logits
        filterTopK(&out, count: logits.count, k: k)
        return out
    }

    private func topP(_ logits: [Float], _ p: Float) -> [Float] {
        var out = logits
        var scratch = [UInt64](repeating: 0, count: 2 * logits.count)
        filterTopP(&out, count: logits.count, p: p, scratch: &scratch)
        return out
    }

    @Test func `both filters leave what the original leaves`() throws {
        let file = try Safetensors("lyrics-single/expected.safetensors")
        let (shape, logits) = try file.floats("filter.logits")
        let k10 = try file.floats("filter.top_k_10").values
        let p09 = try file.floats("filter.top_p_0.9").values
        let (rows, width) = (shape[0], shape[1])
        #expect(rows == 64 && width == 256)
        for r in 0..<rows {
            let range = r * width..<(r + 1) * width
            #expect(bits(topK(Array(logits[range]), 10)) == bits(Array(k10[range])), "row \(r)")
            #expect(bits(topP(Array(logits[range]), 0.9)) == bits(Array(p09[range])), "row \(r)")
        }
    }

    @Test func `top-k keeps ties with the k-th, and everything for 0 or count`() {
        let low = -Float.infinity
        #expect(topK([1, 3, 2, 2, 0], 2) == [low, 3, 2, 2, low])
        #expect(topK([0, -0.0, -1], 1) == [0, -0.0, low])
        #expect(topK([-5, low, -7, low], 3) == [-5, low, -7, low])
        #expect(topK([1, 2, 3], 0) == [1, 2, 3])
        #expect(topK([1, 2, 3], 3) == [1, 2, 3])
        #expect(topK([1, -.nan, 3], 1)[1].isNaN)
    }

    @Test func `top-p keeps the first, breaks ties by index, and keeps everything for 0 or 1`() {
        let low = -Float.infinity
        #expect(topP([1, 5, 2], 1e-6) == [low, 5, low])
        #expect(topP([0, 0, 0, 0], 0.4) == [0, 0, low, low])  // before the second: 0.25; the third: 0.5
        #expect(topP([0, 0, 0, 0], 0.5) == [0, 0, 0, low])  // 0.5 does not exceed 0.5
        #expect(topP([-0.0, 0, 0, 0], 0.3) == [-0.0, 0, low, low])
        #expect(topP([3, 1, 2], 0) == [3, 1, 2])
        #expect(topP([3, 1, 2], 1) == [3, 1, 2])
        #expect(topP([7], 0.5) == [7])
        #expect(topP([1, .nan, 3], 0.5)[1].isNaN)
    }
}

/// As much of the safetensors format as reading float32 tensors takes.
private struct Safetensors {
    private let data: Data
    private let header: [String: Any]

    init(_ name: String) throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        data = try Data(contentsOf: tests.appendingPathComponent("Fixtures").appendingPathComponent(name))
        let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        let parsed = try JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length))
        header = try #require(parsed as? [String: Any])
        begin = 8 + length
    }

    private let begin: Int

    func floats(_ name: String) throws -> (shape: [Int], values: [Float]) {
        let entry = try #require(header[name] as? [String: Any])
        let shape = try #require(entry["shape"] as? [Int])
        let offsets = try #require(entry["data_offsets"] as? [Int])
        let bytes = [UInt8](data.subdata(in: begin + offsets[0]..<begin + offsets[1]))
        let values = bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        return (shape, values)
    }
}
