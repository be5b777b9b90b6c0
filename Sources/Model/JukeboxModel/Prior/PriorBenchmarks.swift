import SongPlan
package import Tensor

/// What a benchmark asks of a prior.
extension Prior {
    /// Multiplications and additions of all matrix products of a row.
    package var operationsPerRow: Double {
        2 * Double(transformer.matrices.reduce(output.map { $0.k * $0.n } ?? 0) { $0 + $1.k * $1.n })
    }

    /// Multiplications and additions of the matrix products of a row in the first layers.
    package func operationsPerRow(ofFirst layers: Int) -> Double {
        // Each layer has four.
        2 * Double(transformer.matrices.prefix(4 * layers).reduce(0) { $0 + $1.k * $1.n })
    }

    /// Bytes of all matrices that a step reads.
    package var matrixBytes: Int {
        transformer.matrices.reduce(output?.residentBytes ?? 0) { $0 + $1.residentBytes }
    }

    /// A sequence as it is in mid-window. Tokens, caches and conditioning are arbitrary: nothing is computed, and only
    /// what the row after `tokens` sees is there.
    package func makeWarmSequence(tokens: [UInt16], whole: Bool = false) -> PriorSequence {
        let sequence = PriorSequence(
            vocabulary: vocabulary, labels: exampleLabels, start: Buffer(count: shape.width, zeroed: true),
            conditioning: conditioner.map { _ in
                Buffer(count: hyperparameters.windowLength * shape.width, zeroed: whole)
            },
            caches: transformer.makeCaches())
        if prefix > 0 { sequence.tokens = Array(repeating: 0, count: prefix) }
        sequence.append(tokens)
        sequence.rewind(to: prefix + tokens.count)
        for cache in sequence.caches { cache.fill(seenFrom: whole ? nil : sequence.computed) }
        return sequence
    }

    /// Computes a window's conditioning and drops it.
    package func condition(on above: [UInt16], team: ThreadTeam) {
        guard var run = conditioner?.begin(above) else { return }
        while run.advance(team: team) == nil {}
    }

    /// Multiplications and additions of the conditioner's products.
    package func conditionerOperations(above: Int) -> Int { conditioner?.operations(length: above) ?? 0 }

    /// A label vector that names nobody.
    package var exampleLabels: [Int] {
        guard hyperparameters.labels else { return [] }
        let total = hyperparameters.timeBins > 0 ? Int(hyperparameters.ranges[0].low) + 1_000_000 : 1_000_000
        return [total, 0, hyperparameters.windowLength, 0]
            + Array(repeating: -1, count: hyperparameters.genreSlots ?? 0)
            + Array(repeating: 0, count: hyperparameters.lyricLength)
    }
}

extension PriorSequence {
    /// Forgets rows from `position` on, and the tokens after the one that row is computed from.
    package func rewind(to position: Int) {
        computed = position
        tokens.removeLast(max(0, tokens.count - position))
    }
}
