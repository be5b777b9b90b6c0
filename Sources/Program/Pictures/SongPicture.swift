import Foundation

/// What a picture shows of a song's lyrics: who attends to what, and when each line is sung.
package struct AlignmentView: Sendable {
    /// One line of the lyrics.
    package struct Line: Sendable {
        package var text: String
        /// Its characters within the lyrics.
        package var characters: Range<Int>
        /// Seconds.
        package var begin: Double
        package var end: Double

        package init(text: String, characters: Range<Int>, begin: Double, end: Double) {
            self.text = text
            self.characters = characters
            self.begin = begin
            self.end = end
        }
    }

    /// [column][character] attention; columns divide the song evenly.
    package var weights: [[Float]]
    /// [column] the character that is sung.
    package var path: [Int]
    package var lines: [Line]

    package init(weights: [[Float]], path: [Int], lines: [Line]) {
        self.weights = weights
        self.path = path
        self.lines = lines
    }
}

/// A song's spectrogram with axes, and its lyric alignment below it on the same time axis.
package struct SongPicture: Sendable {
    package var title: String
    package var spectrogram: Spectrogram
    package var alignment: AlignmentView?

    package init(title: String, spectrogram: Spectrogram, alignment: AlignmentView? = nil) {
        self.title = title
        self.spectrogram = spectrogram
        self.alignment = alignment
    }

    /// Pixels, whatever the song's length.
    package static let width = 1_600
    /// Lines of lyrics beyond these have no label of their own.
    private static let maximumLabels = 40

    private static let background: UInt32 = 0x0B0B12
    private static let bright: UInt32 = 0xECECF4
    private static let dim: UInt32 = 0x9A9AB0
    private static let (left, right, top, gap, below) = (80.0, 230.0, 56.0, 46.0, 52.0)
    private static let spectrogramHeight = 400.0
    /// Decibels from the lightest colour down to the darkest.
    private static let range: Float = 75

    /// Pixels.
    package var height: Int {
        Int(Self.top + Self.spectrogramHeight + Self.below + (alignment == nil ? 0 : Self.gap + alignmentHeight))
    }

    private var alignmentHeight: Double {
        min(760, max(220, 24 * Double(min(Self.maximumLabels, alignment?.lines.count ?? 0))))
    }

    private var seconds: Double { spectrogram.seconds }

    /// Draws it and writes a PNG.
    ///
    /// - Throws: `PictureError` when the file cannot be written.
    package func write(to path: String) throws {
        let canvas = try Canvas(width: Self.width, height: height, background: Self.background)
        canvas.setColour(Self.bright)
        canvas.text(title, x: Self.left, y: 35, size: 18, isBold: true, width: Double(Self.width) - Self.left - 30)
        let plotWidth = Double(Self.width) - Self.left - Self.right
        let upper = Frame(x: Self.left, y: Self.top, width: plotWidth, height: Self.spectrogramHeight)
        let loudest = max(-60, spectrogram.decibels.joined().max() ?? 0)
        try drawSpectrogram(canvas, in: upper, loudest: loudest)
        drawDecibels(canvas, beside: upper, loudest: loudest)
        drawTime(canvas, under: upper, hasTitle: alignment == nil)
        if let alignment {
            let lower = Frame(x: Self.left, y: upper.bottom + Self.gap, width: plotWidth, height: alignmentHeight)
            try draw(alignment, canvas, in: lower)
            drawTime(canvas, under: lower, hasTitle: true)
        }
        try canvas.write(to: path)
    }

    private func drawSpectrogram(_ canvas: borrowing Canvas, in frame: Frame, loudest: Float) throws {
        let pixels = spectrogram.decibels.reversed().map { row in
            row.map { ColourMap.colour(1 + ($0 - loudest) / Self.range) }
        }
        try canvas.image(pixels, in: frame)
        for hertz in [100.0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
            guard let place = place(ofHertz: hertz) else { continue }
            let y = frame.bottom - place * frame.height
            canvas.setColour(Self.bright, opacity: 0.10)
            canvas.line(fromX: frame.x, y: y, toX: frame.right, y: y)
            canvas.setColour(Self.dim)
            canvas.line(fromX: frame.x - 5, y: y, toX: frame.x, y: y)
            let name = hertz < 1_000 ? "\(Int(hertz)) Hz" : "\(Int(hertz / 1_000)) kHz"
            canvas.text(name, x: frame.x - 9, y: y + 4.5, size: 13, anchor: .right)
        }
    }

    /// Share of the axis' length from its bottom.
    private func place(ofHertz hertz: Double) -> Double? {
        let edges = spectrogram.edges
        // The top edge itself may be a rounding error short.
        guard let band = edges.lastIndex(where: { $0 <= hertz * 1.000_001 }) else { return nil }
        if band == edges.count - 1 { return hertz <= edges[band] * 1.000_001 ? 1 : nil }
        return (Double(band) + (hertz - edges[band]) / (edges[band + 1] - edges[band])) / Double(edges.count - 1)
    }

    private func drawDecibels(_ canvas: borrowing Canvas, beside frame: Frame, loudest: Float) {
        let bar = Frame(x: frame.right + 22, y: frame.y, width: 14, height: frame.height)
        for row in 0..<Int(bar.height) {
            canvas.setColour(ColourMap.colour(1 - Float(row) / Float(bar.height)))
            canvas.fill(Frame(x: bar.x, y: bar.y + Double(row), width: bar.width, height: 1))
        }
        canvas.setColour(Self.dim)
        var level = (loudest / 10).rounded(.down) * 10
        while level > loudest - Self.range {
            let y = bar.y + Double((loudest - level) / Self.range) * bar.height
            canvas.text("\(Int(level)) dB", x: bar.right + 8, y: y + 4.5, size: 13)
            level -= 10
        }
    }

    private func drawTime(_ canvas: borrowing Canvas, under frame: Frame, hasTitle: Bool) {
        let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 3_600]
        let step = steps.first { seconds / $0 <= 14 } ?? 3_600
        canvas.setColour(Self.dim)
        // A song is whole tokens, and so ends a little before the time that was asked for.
        for index in 0...Int(seconds / step + 0.02) {
            let time = Double(index) * step
            let x = min(frame.right, frame.x + time / seconds * frame.width)
            canvas.line(fromX: x, y: frame.bottom, toX: x, y: frame.bottom + 5)
            canvas.text(label(time, step: step), x: x, y: frame.bottom + 20, size: 13, anchor: .middle)
        }
        if hasTitle {
            canvas.text(
                step >= 60 ? "time (min:s)" : "time", x: frame.x + frame.width / 2, y: frame.bottom + 42, size: 13,
                anchor: .middle)
        }
    }

    private func label(_ time: Double, step: Double) -> String {
        if step >= 60 { return String(format: "%d:%02d", Int(time) / 60, Int(time) % 60) }
        return step >= 1 ? "\(Int(time)) s" : String(format: "%.1f s", time)
    }

    private func draw(_ alignment: AlignmentView, _ canvas: borrowing Canvas, in frame: Frame) throws {
        let characters = alignment.weights.first?.count ?? 0
        guard characters > 0 else { return }
        // Each column's own strongest is the lightest: attention spreads as the lyrics grow.
        let shares = alignment.weights.map { column in
            let strongest = max(column.max() ?? 0, 1e-9)
            return column.map { ($0 / strongest).squareRoot() }
        }
        let pixels = (0..<characters).map { character in shares.map { ColourMap.colour($0[character]) } }
        try canvas.image(pixels, in: frame, isSmooth: false)
        let height = frame.height / Double(characters)
        for line in alignment.lines.dropFirst() {
            let y = frame.y + Double(line.characters.lowerBound) * height
            canvas.setColour(Self.bright, opacity: 0.14)
            canvas.line(fromX: frame.x, y: y, toX: frame.right, y: y)
        }
        let columns = Double(alignment.path.count)
        let points = alignment.path.enumerated().map { column, character in
            (
                x: frame.x + (Double(column) + 0.5) / columns * frame.width,
                y: frame.y + (Double(character) + 0.5) * height
            )
        }
        canvas.setColour(0x000000, opacity: 0.6)
        canvas.path(points, width: 4)
        canvas.setColour(0x7FE7DC)
        canvas.path(points, width: 1.6)
        drawLines(alignment, canvas, beside: frame, height: height)
    }

    /// The lines' texts at their places, as many as there is room for, with the times at which they are sung.
    private func drawLines(
        _ alignment: AlignmentView, _ canvas: borrowing Canvas, beside frame: Frame, height: Double
    ) {
        canvas.setColour(Self.dim)
        canvas.text("lyrics", x: frame.x - 9, y: frame.y + 13, size: 13, anchor: .right)
        var free = frame.y
        for line in alignment.lines {
            let middle = frame.y + Double(line.characters.lowerBound + line.characters.upperBound) / 2 * height
            guard middle - 11 >= free - 1 else { continue }
            free = middle + 11
            canvas.setColour(Self.bright)
            canvas.text(line.text, x: frame.right + 12, y: middle - 1, size: 13, width: Self.right - 20)
            canvas.setColour(Self.dim)
            let time =
                line.end > line.begin ? String(format: "%.1f–%.1f s", line.begin, line.end) : "not reached"
            canvas.text(time, x: frame.right + 12, y: middle + 11, size: 10)
        }
    }
}
