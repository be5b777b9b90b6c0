import CKernels
import Foundation
import Synchronization
import Tensor
import Testing

@Suite struct BufferTests {
    @Test func `buffers are aligned, counted and zeroed on demand`() {
        for count in [0, 1, 7, 1000, 3 << 20] {
            let buffer = Buffer<Float>(count: count, zeroed: true)
            #expect(buffer.count == count && buffer.byteCount == 4 * count)
            #expect(Int(bitPattern: buffer.pointer) % 64 == 0)
            #expect(buffer.elements.allSatisfy { $0 == 0 })
        }
        let copy = Buffer<Int32>([3, 1, 2])
        copy[1] = 9
        #expect(Array(copy.elements) == [3, 9, 2])
    }
}

@Suite struct KernelsTests {
    @Test func `the scalar kernels exist everywhere and the last available ones are the best`() throws {
        #expect(Kernels.available.first?.name == "scalar")
        #expect(try Kernels.named(nil).name == String(cString: ck_isa_name(ck_best_isa())))
        #expect(try Kernels.named("").name == Kernels.available.last?.name)
        #expect(try Kernels.named("scalar").name == "scalar")
        for kernels in Kernels.available { #expect(try Kernels.named(kernels.name).name == kernels.name) }
    }

    @Test func `an unknown instruction set is an error that names the choices`() {
        let error = #expect(throws: KernelsError.self) { try Kernels.named("avx9000") }
        #expect(error?.description.contains("\"avx9000\"") == true)
        #expect(error?.description.contains("scalar") == true)
    }
}

private struct Marking: TeamWork {
    let marks: Buffer<Int>

    func run(part: Int, of parts: Int, thread: Int) { marks[part] += parts }
}

@Suite struct ThreadTeamTests {
    @Test func `each part runs once and is visible afterwards`() {
        for threads in 1...5 {
            let team = ThreadTeam(threads: threads)
            let marks = Buffer<Int>(count: threads, zeroed: true)
            for round in 1...200 {
                team.run { part, parts in
                    if parts == threads { marks[part] += 1 }
                }
                #expect(marks.elements.allSatisfy { $0 == round })
            }
        }
    }

    @Test func `a struct of arguments is run like a closure`() {
        let marks = Buffer<Int>(count: 3, zeroed: true)
        for threads in 1...3 { ThreadTeam(threads: threads).run(Marking(marks: marks)) }
        #expect(Array(marks.elements) == [1 + 2 + 3, 2 + 3, 3])
    }

    @Test func `runs after a pause wake the sleeping threads`() async throws {
        let team = ThreadTeam(threads: 3)
        let ran = Atomic<Int>(0)
        for _ in 0..<5 {
            try await Task.sleep(for: .milliseconds(5))
            team.run { _, _ in ran.add(1, ordering: .relaxed) }
        }
        let total = ran.load(ordering: .relaxed)
        #expect(total == 15)
    }

    @Test func `a long part of another thread is waited for`() {
        let team = ThreadTeam(threads: 2)
        let clock = ContinuousClock()
        let finished = Atomic<Bool>(false)
        team.run { part, _ in
            guard part == 1 else { return }
            let end = clock.now.advanced(by: .milliseconds(20))
            while clock.now < end {}
            finished.store(true, ordering: .relaxed)
        }
        let wasFinished = finished.load(ordering: .relaxed)
        #expect(wasFinished)
    }

    @Test(arguments: [(1, 7), (2, 1), (3, 2), (5, 40), (64, 3), (64, 1000), (1024, 5), (1024, 3000)])
    func `any number of parts on any number of threads`(threads: Int, parts: Int) {
        let team = ThreadTeam(threads: threads)
        let marks = Buffer<Int>(count: parts, zeroed: true)
        let wrong = Atomic<Int>(0)
        for round in 1...10 {
            team.run(parts: parts) { part, count, thread in
                if count != parts || !(0..<threads).contains(thread) { wrong.add(1, ordering: .relaxed) }
                marks[part] += 1
            }
            #expect(marks.elements.allSatisfy { $0 == round })
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test func `threads of a pinned team have a processor each, the caller only in a run`() {
        let before = ck_processor_count()
        let team = ThreadTeam(threads: max(2, Int(before)), pinned: true)
        let counts = Buffer<Int32>(count: team.threads, zeroed: true)
        // Until every helper came for a part.
        while counts.elements.contains(0) {
            team.run { _, _, thread in
                counts[thread] = ck_processor_count()
                usleep(10)
            }
        }
        #expect(counts.elements.allSatisfy { $0 == 1 })
        #expect(ck_processor_count() == before)
    }

    /// A helper may see the end of its team in place of the run before it.
    @Test(arguments: [2, 3, 8]) func `teams come and go, at any moment after a run`(threads: Int) {
        for round in 0..<3_000 {
            let team = ThreadTeam(threads: threads)
            team.run { _, _ in }
            for _ in 0..<round % 60 * 10 { ck_spin_hint() }
        }
    }
}

@Suite struct BLASTests {
    @Test func `all transpositions agree with the definition`() {
        let (m, n, k) = (5, 7, 9)
        var random = Generator(2)
        let a = random.floats(m * k)
        let b = random.floats(k * n)
        let start = random.floats(m * n)
        let transpose = { (x: [Float], rows: Int, columns: Int) in
            (0..<columns * rows).map { x[$0 % rows * columns + $0 / rows] }
        }
        for (aTransposed, bTransposed) in [(false, false), (true, false), (false, true), (true, true)] {
            let c = filled(m * n) {
                $0.update(from: start, count: m * n)
                BLAS.multiply(
                    m: m, n: n, k: k, alpha: 2, a: aTransposed ? transpose(a, m, k) : a,
                    aStride: aTransposed ? m : k, aTransposed: aTransposed,
                    b: bTransposed ? transpose(b, k, n) : b, bStride: bTransposed ? k : n,
                    bTransposed: bTransposed, beta: 0.5, c: $0, cStride: n)
            }
            for i in 0..<m {
                for j in 0..<n {
                    let sum = (0..<k).map { a[i * k + $0] * b[$0 * n + j] }.reduce(0, +)
                    #expect(abs(c[i * n + j] - (2 * sum + 0.5 * start[i * n + j])) < 1e-5)
                }
            }
        }
    }
}

@Suite struct MachineLimitsTests {
    @Test func `limits are positive, and every instruction set reads the same words`() throws {
        let team = ThreadTeam(threads: 2)
        for active in Kernels.available {
            let limits = MachineLimits(team: team, bufferBytes: 1 << 20, active: active)
            for limit in MachineLimits.Limit.allCases { #expect(limits.now(limit) > 1e6, "\(active.name)") }
        }
        let words = Buffer<UInt64>((0..<320).map { $0 &* 0x9E37_79B9_7F4A_7C15 })
        for kernels in Kernels.available {
            let read = try #require(kernels.table.pointee.limit_read)
            #expect(read(words.pointer, words.byteCount) == words.elements.reduce(0, ^))
        }
    }
}
