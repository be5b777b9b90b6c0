import Testing

@testable import JukeboxModel

struct RowChunksTests {
    @Test func `chunks hold every row once, and none is empty, for any length, width and number of threads`() {
        let lengths = Array(0...700) + [1023, 1024, 2756, 8192, 88_200, 352_800, 999_983]
        let threads = Array(1...80) + [96, 112, 128, 192, 255, 256, 511, 777, 1000, 1024]
        for width in [0, 1, 3, 32, 192, 700, 5760, 200_000] {
            for length in lengths {
                for threads in threads {
                    let chunks = RowChunks(length: length, width: width, threads: threads)
                    var next = 0
                    var isRight = true
                    for chunk in 0..<chunks.count {
                        let rows = chunks[chunk]
                        isRight = isRight && rows.lowerBound == next && !rows.isEmpty && rows.count <= chunks.rows
                        next = rows.upperBound
                    }
                    if !isRight || next != length { Issue.record("\(length) rows, \(threads) threads, width \(width)") }
                }
            }
        }
    }
}
