package import JukeboxModel
import SongPlan

/// A part of a recording that becomes one window, and what it is labelled with.
package struct FeatureWindow: Sendable, Hashable {
    /// Audio samples of the excerpt that are encoded.
    package var samples: Range<Int>
    /// Zeros that are encoded after them.
    package var padding: Int
    /// Whether its own largest magnitude becomes 1, as of a recording of its own.
    package var hasOwnPeak: Bool
    /// Rows that are kept, from the first on.
    package var rows: Int
    /// The label vector; empty for a model without labels.
    package var labels: [Int]
}

/// How a model's top level sees recordings.
package struct FeatureGeometry: Sendable {
    /// Audio samples a second.
    package let sampleRate: Int
    /// Audio samples a token.
    package let hop: Int
    /// Tokens of a window.
    package let windowLength: Int
    private let labeller: Labeller

    package init(_ model: Model) {
        let top = model.geometry.top
        sampleRate = model.geometry.sampleRate
        hop = model.geometry.levels[top].samplesPerToken
        windowLength = model.geometry.levels[top].windowLength
        labeller = model.labellers[top]
    }

    /// Rows a second: 344.53125 of the published models.
    package var nativeRate: Double { Double(sampleRate) / Double(hop) }

    /// Seconds of which jukemirlib looks at a recording.
    private static let firstSeconds = 25

    /// The windows of an excerpt.
    ///
    /// - Parameters:
    ///   - count: audio samples of the excerpt.
    ///   - offset: audio samples of the recording before the excerpt.
    ///   - total: audio samples of the whole recording.
    /// - Throws: `FeatureError` where there is none.
    package func windows(
        _ request: FeatureRequest, count: Int, offset: Int = 0, total: Int
    ) throws(FeatureError) -> [FeatureWindow] {
        guard count >= hop else {
            throw FeatureError("there are \(count) audio samples of it, and one token takes \(hop)")
        }
        let whole = windowLength * hop
        let windows: [FeatureWindow]
        switch request.windows {
        case .first:
            windows = [window(0..<min(count, Self.firstSeconds * sampleRate), labels: fixedLabels)]
        case .padded:
            let end = min(count, whole)
            windows = [window(0..<end, padding: whole - end, labels: fixedLabels)]
        case .slices(let length, let hop):
            windows = try slices(length: length, hop: hop, count: count)
        case .all:
            windows = stride(from: 0, to: count / self.hop * self.hop, by: whole).map { start in
                let end = min(count, start + whole)
                return window(
                    start..<end, padding: start + whole - end,
                    labels: timedLabels(total: total, offset: offset / self.hop * self.hop + start))
            }
        }
        if request.wantsWholeWindow, let short = windows.first(where: { $0.rows < windowLength }) {
            throw FeatureError(
                "it has \(short.rows) tokens, and a whole window of \(windowLength) is wanted "
                    + "(\(Double(whole) / Double(sampleRate)) s)")
        }
        return windows
    }

    private func slices(length: Double, hop: Double, count: Int) throws(FeatureError) -> [FeatureWindow] {
        let (size, step) = (Int(length * Double(sampleRate)), Int(hop * Double(sampleRate)))
        guard size >= self.hop, step > 0 else {
            throw FeatureError("slices of \(length) s, \(hop) s apart, are shorter than one token")
        }
        guard size <= (windowLength + 1) * self.hop else {
            throw FeatureError(
                "slices of \(length) s are longer than a window of \(Double(windowLength) / nativeRate) s")
        }
        guard count >= size else {
            throw FeatureError(
                "it is \(Double(count) / Double(sampleRate)) s long, shorter than a slice of \(length) s")
        }
        return stride(from: 0, through: count - size, by: step).map {
            window($0..<$0 + size, hasOwnPeak: true, labels: fixedLabels)
        }
    }

    private func window(
        _ samples: Range<Int>, padding: Int = 0, hasOwnPeak: Bool = false, labels: [Int]
    ) -> FeatureWindow {
        FeatureWindow(
            samples: samples, padding: padding, hasOwnPeak: hasOwnPeak, rows: min(windowLength, samples.count / hop),
            labels: labels)
    }

    /// Nobody's labels, of the start of a recording of 62 s, whatever its length (jukemirlib).
    package var fixedLabels: [Int] { labels(total: 62 * sampleRate / hop * hop, offset: 0) }

    /// Nobody's labels, with the place of the window in its recording (Sheet Sage).
    package func timedLabels(total: Int, offset: Int) -> [Int] {
        let total = min(max(total, 60 * sampleRate + 16), 600 * sampleRate - 96) / hop * hop
        return labels(total: total, offset: max(0, min(offset, total - windowLength * hop)))
    }

    private func labels(total: Int, offset: Int) -> [Int] {
        labeller.vector(
            SongLabels(totalLength: total, offset: offset, artist: 0, genres: [0], lyrics: []), start: 0)
    }
}
