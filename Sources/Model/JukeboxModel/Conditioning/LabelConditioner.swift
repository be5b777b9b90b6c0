/// Embeds a label vector (the original's `LabelConditioner`): the start token, and for the top level the timing
/// of each position.
struct LabelConditioner: Sendable {
    let width: Int
    let genres: EmbeddingTable
    let artists: EmbeddingTable
    /// nil for upsamplers.
    let timing: TimingEmbedding?
    let genreSlots: Int

    /// Writes artist + sum of genres, [width].
    func start(_ y: [Int], into out: UnsafeMutablePointer<Float>) {
        genreSum(y, into: out)
        artists.add(row: y[3], to: out)
    }

    private func genreSum(_ y: [Int], into out: UnsafeMutablePointer<Float>) {
        out.update(repeating: 0, count: width)
        for genre in y[4..<4 + genreSlots] where genre >= 0 { genres.add(row: genre, to: out) }
    }
}

/// The timing of positions in a window: total length, absolute and relative position, each in `bins` steps.
struct TimingEmbedding: Sendable {
    let bins: Int
    /// Positions of a window (`n_time`).
    let positions: Int
    let ranges: [(low: Float, span: Float)]
    let high: [Float]
    let total: EmbeddingTable
    let absolute: EmbeddingTable
    let relative: EmbeddingTable

    init(
        prior: PriorHyperparameters, total: EmbeddingTable, absolute: EmbeddingTable, relative: EmbeddingTable
    ) {
        bins = prior.timeBins
        positions = prior.windowLength
        ranges = prior.ranges.map { (Float($0.low), Float($0.high - $0.low)) }
        high = prior.ranges.map { Float($0.high) }
        self.total = total
        self.absolute = absolute
        self.relative = relative
    }

    /// Writes the sum of the three embeddings of music position `t`, [width].
    func write(_ y: [Int], position t: Int, into out: UnsafeMutablePointer<Float>) {
        let length = Float(y[0])
        let start = Float(y[1])
        let end = Float(y[1] + y[2])
        total.copy(row: bin(length, range: 0), to: out)
        absolute.add(row: bin(interpolate(start, end, t), range: 1), to: out)
        let last = min(max(end / length, ranges[2].low), high[2])
        relative.add(row: bin(interpolate(start / length, last, t), range: 2), to: out)
    }

    /// float32 in the original's order: start + (end − start) · (t / positions).
    private func interpolate(_ start: Float, _ end: Float, _ t: Int) -> Float {
        start + (end - start) * (Float(t) / Float(positions))
    }

    private func bin(_ value: Float, range index: Int) -> Int {
        let normalised = (value - ranges[index].low) / ranges[index].span
        return min(max(Int((Float(bins) * normalised).rounded(.down)), 0), bins - 1)
    }
}
