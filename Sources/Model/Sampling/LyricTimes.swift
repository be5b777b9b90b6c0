import Foundation

/// When each character of a song's lyrics is sung, read from an alignment.
package struct LyricTimes: Sendable, Hashable {
    /// One character, or one line, with seconds from the song's beginning.
    package struct Span: Sendable, Hashable, Codable {
        package var text: String
        package var begin: Double
        package var end: Double

        /// False for what is not sung within the song.
        package var isReached: Bool { end > begin }
    }

    /// [column][character] mean attention; columns divide the song evenly.
    package let weights: [[Float]]
    /// [column] the character that is sung: never falls back.
    package let path: [Int]
    package let characters: [Span]
    package let lines: [Span]
    /// By line, where its characters lie in the lyrics.
    package let lineRanges: [Range<Int>]
    /// The share of tokens whose most attended character is not before the previous token's.
    package let forwardShare: Double

    /// - Parameters:
    ///   - alignment: [token][character], as `Alignment.compute` gives it.
    ///   - lyrics: as many characters; lines end at a newline.
    ///   - seconds: of all tokens.
    ///   - maximumColumns: how finely time is divided at most.
    /// - Returns: nil without tokens or characters.
    package init?(_ alignment: [[Float]], lyrics: String, seconds: Double, maximumColumns: Int = 1_290) {
        let letters = Array(lyrics)
        guard !letters.isEmpty, let first = alignment.first, first.count == letters.count else { return nil }
        forwardShare = Self.forwardShare(alignment)
        weights = Self.pool(alignment, columns: min(maximumColumns, alignment.count))
        path = Self.path(weights)
        let spans = Self.spans(path, count: letters.count, seconds: seconds)
        characters = zip(letters, spans).map { Span(text: String($0), begin: $1.begin, end: $1.end) }
        lineRanges = letters.split(separator: "\n").map { $0.startIndex..<$0.endIndex }
        lines = lineRanges.map { range in
            Span(
                text: String(letters[range]), begin: spans[range.lowerBound].begin, end: spans[range.upperBound - 1].end
            )
        }
    }

    private static func forwardShare(_ alignment: [[Float]]) -> Double {
        guard alignment.count > 1 else { return 1 }
        let places = alignment.map { row in row.indices.max { row[$0] < row[$1] } ?? 0 }
        let forward = zip(places, places.dropFirst()).count { $0 <= $1 }
        return Double(forward) / Double(places.count - 1)
    }

    /// Means over tokens that share a column.
    private static func pool(_ alignment: [[Float]], columns: Int) -> [[Float]] {
        (0..<columns).map { column in
            let range = column * alignment.count / columns..<(column + 1) * alignment.count / columns
            var sum = [Float](repeating: 0, count: alignment[0].count)
            for token in range {
                for (character, weight) in alignment[token].enumerated() { sum[character] += weight }
            }
            return sum.map { $0 / Float(range.count) }
        }
    }

    /// The sequence of characters that never falls back and has the largest product of attention (Viterbi).
    private static func path(_ weights: [[Float]]) -> [Int] {
        let count = weights[0].count
        var best = [Float](repeating: 0, count: count)
        var origins: [[Int32]] = []
        for column in weights {
            var (reached, origin) = (0, [Int32](repeating: 0, count: count))
            var next = best
            for character in 0..<count {
                if best[character] > best[reached] { reached = character }
                origin[character] = Int32(reached)
                next[character] = best[reached] + log(column[character] + 1e-4)
            }
            best = next
            origins.append(origin)
        }
        var character = best.indices.max { best[$0] < best[$1] } ?? 0
        var path = [Int](repeating: 0, count: weights.count)
        for column in weights.indices.reversed() {
            path[column] = character
            character = Int(origins[column][character])
        }
        return path
    }

    /// A character that the path skips takes no time, where the next one begins.
    private static func spans(_ path: [Int], count: Int, seconds: Double) -> [(begin: Double, end: Double)] {
        let step = seconds / Double(path.count)
        var spans: [(begin: Double, end: Double)] = []
        var column = 0
        for character in 0..<count {
            let begin = column
            while column < path.count, path[column] <= character { column += 1 }
            spans.append((Double(begin) * step, Double(column) * step))
        }
        return spans
    }
}
