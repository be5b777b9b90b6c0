import Foundation

/// A report as an SVG: every measured place over the song's time, seams in colour.
package struct SeamPlot {
    private let report: SeamReport
    private let title: String
    /// Of the song.
    private let seconds: Double
    private static let (width, height, left, top) = (900.0, 320.0, 50.0, 46.0)

    package init(_ report: SeamReport, title: String, seconds: Double) {
        self.report = report
        self.title = title
        self.seconds = seconds
    }

    package var svg: String {
        let scores = (report.seams + report.others).map(\.score)
        let (low, high) = (min(0, scores.min() ?? 0), max(1, scores.max() ?? 1))
        func x(_ second: Double) -> Double { Self.left + second / max(seconds, 1e-9) * (Self.width - Self.left - 16) }
        func y(_ score: Double) -> Double {
            Self.height - 34 - (score - low) / (high - low) * (Self.height - 34 - Self.top)
        }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"320\" font-family=\"sans-serif\">",
            "<rect width=\"900\" height=\"320\" fill=\"white\"/>",
            "<text x=\"50\" y=\"18\" font-size=\"13\">\(Self.escape(title))</text>",
            "<text x=\"50\" y=\"36\" font-size=\"12\" fill=\"#555\">\(caption)</text>",
        ]
        for tick in 0...8 {
            let second = seconds * Double(tick) / 8
            lines.append(Self.text(String(format: "%.1f s", second), x(second), Self.height - 12, anchor: "middle"))
        }
        for score in [low, 0, high] {
            lines.append(Self.text(String(format: "%.0f", score), 44, y(score) + 4, anchor: "end"))
        }
        lines.append(Self.line(x(0), y(0), x(seconds), y(0), "#bbb"))
        for other in report.others { lines.append(Self.dot(x(other.seconds), y(other.score), 2.5, "#999")) }
        for seam in report.seams {
            lines.append(Self.line(x(seam.seconds), Self.top, x(seam.seconds), Self.height - 34, "#f2c9c2"))
            lines.append(Self.dot(x(seam.seconds), y(seam.score), 5, "#c0392b"))
        }
        return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private var caption: String {
        let each = report.aucs.sorted { $0.key < $1.key }.map { String(format: "%@ %.2f", $0.key, $0.value) }
        return String(format: "AUC %.3f (0.5: undetectable) · ", report.auc) + each.joined(separator: ", ")
            + " · \(report.seams.count) seams (red) among \(report.others.count) other places"
    }

    private static func dot(_ x: Double, _ y: Double, _ radius: Double, _ colour: String) -> String {
        String(format: "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%@\"/>", x, y, radius, colour)
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
        String(format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%@\"/>", x1, y1, x2, y2, colour)
    }

    private static func text(_ text: String, _ x: Double, _ y: Double, anchor: String) -> String {
        String(
            format: "<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"%@\">%@</text>", x, y, anchor, text)
    }

    private static func escape(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
