import Foundation

/// Who does which window when, as an SVG: a row for each worker, a bar for each window.
struct GanttChart {
    struct Bar {
        var row: Int
        /// Seconds.
        var start: Double
        var end: Double
        var level: Int
        /// What the pointer shows.
        var title: String
        /// Whether it brought its window's last token.
        var isDone: Bool
    }

    var title: String
    var rows: [String]
    var bars: [Bar]

    private static let colours = ["#4c78a8", "#f2a03d", "#54a24b", "#b279a2", "#e45756"]
    private static let (left, top, width, bottom) = (150.0, 56.0, 1000.0, 40.0)

    /// Overlapping bars of one row lie below each other, in lanes.
    private func lanes() -> (lane: [Int], count: [Int]) {
        var lane = Array(repeating: 0, count: bars.count)
        var ends: [[Double]] = Array(repeating: [], count: rows.count)
        for place in bars.indices.sorted(by: { bars[$0].start < bars[$1].start }) {
            let bar = bars[place]
            let free = ends[bar.row].firstIndex { $0 <= bar.start + 1e-9 } ?? ends[bar.row].count
            if free == ends[bar.row].count { ends[bar.row].append(bar.end) } else { ends[bar.row][free] = bar.end }
            lane[place] = free
        }
        return (lane, ends.map { max(1, $0.count) })
    }

    func svg() -> String {
        let seconds = max(1e-9, bars.map(\.end).max() ?? 1)
        let (lane, count) = lanes()
        let lanes = count.reduce(0, +)
        let height = min(18, max(1, 1600 / Double(max(1, lanes))))
        var offsets = [0.0]
        for lanes in count { offsets.append(offsets.last! + Double(lanes) * height + (height > 6 ? 3 : 0)) }
        let total = Self.top + offsets.last! + Self.bottom
        func x(_ time: Double) -> Double { Self.left + time / seconds * Self.width }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.number(Self.left + Self.width + 20))\" "
                + "height=\"\(Self.number(total))\" font-family=\"sans-serif\" font-size=\"11\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            Self.text(title, x: 10, y: 18, more: "font-size=\"14\""),
        ]
        for level in Set(bars.map(\.level)).sorted() {
            let place = 10 + Double(level) * 90
            lines.append(
                "<rect x=\"\(Self.number(place))\" y=\"28\" width=\"12\" height=\"12\" fill=\"\(Self.colour(level))\"/>"
            )
            lines.append(Self.text("level \(level)", x: place + 17, y: 38))
        }
        for (time, label) in Self.ticks(seconds) {
            lines.append(
                "<line x1=\"\(Self.number(x(time)))\" x2=\"\(Self.number(x(time)))\" y1=\"\(Self.number(Self.top - 4))\" "
                    + "y2=\"\(Self.number(total - Self.bottom + 4))\" stroke=\"#ddd\"/>")
            lines.append(Self.text(label, x: x(time), y: total - Self.bottom + 18, more: "text-anchor=\"middle\""))
        }
        if height > 6 || rows.count <= 60 {
            for (row, name) in rows.enumerated() {
                let middle = Self.top + (offsets[row] + offsets[row + 1]) / 2 + 3
                lines.append(
                    Self.text(String(name.prefix(22)), x: Self.left - 8, y: middle, more: "text-anchor=\"end\""))
            }
        }
        for (place, bar) in bars.enumerated() {
            let y = Self.top + offsets[bar.row] + Double(lane[place]) * height
            lines.append(
                "<rect x=\"\(Self.number(x(bar.start)))\" y=\"\(Self.number(y))\" "
                    + "width=\"\(Self.number(max(0.3, x(bar.end) - x(bar.start))))\" "
                    + "height=\"\(Self.number(max(0.8, height - 1)))\" fill=\"\(Self.colour(bar.level))\""
                    + (bar.isDone ? "" : " fill-opacity=\"0.35\" stroke=\"\(Self.colour(bar.level))\"")
                    + "><title>\(Self.escaped(bar.title))</title></rect>")
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func colour(_ level: Int) -> String { colours[level % colours.count] }
    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
    private static func text(_ text: String, x: Double, y: Double, more: String = "") -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" \(more)>\(escaped(text))</text>"
    }
    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }

    /// About eight times at round distances.
    private static func ticks(_ seconds: Double) -> [(Double, String)] {
        let rough = seconds / 8
        let power = pow(10, floor(log10(rough)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        return stride(from: 0, through: seconds, by: step).map { ($0, PlanText.time($0)) }
    }
}

/// How plans name times and counts.
enum PlanText {
    static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds > 0 else { return seconds == .infinity ? "never" : "0 s" }
        return switch seconds {
        case ..<120: String(format: "%.3g s", seconds)
        case ..<7200: String(format: "%.1f min", seconds / 60)
        case ..<172_800: String(format: "%.1f h", seconds / 3600)
        default: String(format: "%.1f days", seconds / 86_400)
        }
    }

    /// Rows of equal columns, the first to the left and the others to the right.
    static func table(_ rows: [[String]]) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            "  "
                + row.enumerated().map { column, text in
                    let space = String(repeating: " ", count: widths[column] - text.count)
                    return column == 0 ? text + space : space + text
                }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
