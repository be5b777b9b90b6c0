import SongPlan

/// Which way the levels of a codes file lie.
enum CodesOrder {
    /// - Throws: `SongError` when the levels last equally long only if they lie the other way round, the top first.
    static func check(_ levels: [[[Int]]], _ geometry: ModelGeometry, _ file: String) throws {
        let tokens = levels.map { $0.first?.count ?? 0 }
        let steps = geometry.levels.map(\.samplesPerToken)
        guard tokens.count > 1, tokens.allSatisfy({ $0 > 0 }) else { return }
        func lastEqually(_ steps: [Int]) -> Bool { Set(zip(tokens, steps).map { $0 * $1 }).count == 1 }
        guard !lastEqually(steps), lastEqually(steps.reversed()) else { return }
        throw SongError(
            "\(file) has its levels the other way round (\(tokens.map(String.init).joined(separator: ", ")) tokens): level 0, "
                + "which has the most, comes first; save zs[::-1]")
    }
}
