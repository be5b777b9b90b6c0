/// Bars of shares of a limit, with where they ought to end.
package struct BarChart {
    package struct Bar {
        package var label: String
        /// 1 is all of the limit.
        package var share: Double
        package var goal: Double?
        /// Written behind the bar.
        package var note: String

        package init(label: String, share: Double, goal: Double?, note: String) {
            (self.label, self.share, self.goal, self.note) = (label, share, goal, note)
        }
    }

    private let title: String
    private let subtitle: String
    private let bars: [Bar]

    package init(title: String, subtitle: String, bars: [Bar]) {
        (self.title, self.subtitle, self.bars) = (title, subtitle, bars)
    }

    /// - Throws: `SystemError` when the file cannot be written.
    package func writeSVG(to path: String) throws {
        let (row, top, left, scale) = (24.0, 84.0, 330.0, 420.0)
        let height = top + row * Double(bars.count) + 24
        let canvas = try Canvas(svgOfWidth: 960, height: Int(height), background: 0xFFFFFF)
        canvas.setColour(0x202020)
        canvas.text(title, x: 20, y: 30, size: 17, isBold: true)
        canvas.setColour(0x606060)
        canvas.text(subtitle, x: 20, y: 50, size: 12)
        for tenth in stride(from: 0, through: 10, by: 2) {
            let x = left + scale * Double(tenth) / 10
            canvas.setColour(0xDDDDDD)
            canvas.line(fromX: x, y: top - 4, toX: x, y: height - 20)
            canvas.setColour(0x606060)
            canvas.text("\(tenth * 10) %", x: x, y: top - 10, size: 11, anchor: .middle)
        }
        for (index, bar) in bars.enumerated() {
            let y = top + row * Double(index)
            canvas.setColour(0x202020)
            canvas.text(bar.label, x: left - 8, y: y + 14, size: 12, anchor: .right, width: left - 24)
            let isShort = bar.goal.map { bar.share < $0 } ?? false
            canvas.setColour(isShort ? 0xD08040 : 0x3070A8)
            canvas.fill(Frame(x: left, y: y + 2, width: scale * min(1.1, bar.share), height: row - 8))
            if let goal = bar.goal {
                canvas.setColour(0x101010)
                canvas.line(fromX: left + scale * goal, y: y, toX: left + scale * goal, y: y + row - 4, width: 2)
            }
            canvas.setColour(0x404040)
            canvas.text(
                "\(Int((100 * bar.share).rounded())) %   \(bar.note)",
                x: left + scale * max(1, min(1.1, bar.share)) + 10,
                y: y + 14, size: 12)
        }
        try canvas.finish(path)
    }
}
