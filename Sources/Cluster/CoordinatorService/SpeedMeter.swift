/// Tokens a second over the last while, from journaled chunks.
struct SpeedMeter {
    private var marks: [(seconds: Double, tokens: Int)] = []
    private static let window = 30.0

    mutating func add(_ tokens: Int, at seconds: Double) {
        marks.append((seconds, tokens))
        marks.removeAll { $0.seconds < seconds - Self.window }
    }

    func tokensPerSecond(at seconds: Double) -> Double {
        let recent = marks.filter { $0.seconds >= seconds - Self.window }
        guard let first = recent.first, seconds - first.seconds > 0.2 else { return 0 }
        return Double(recent.reduce(0) { $0 + $1.tokens }) / (seconds - first.seconds)
    }
}
