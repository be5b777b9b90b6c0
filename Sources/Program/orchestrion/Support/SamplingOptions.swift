import ArgumentParser
import SongPlan

/// How tokens are drawn: one value, or one for each level.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "One value, or one a level with commas, level 0 first (default: the song's, or 0.99).", valueName: "t[,…]"))
    var temperature: String?

    @Option(help: ArgumentHelp("Draw from the k likeliest codes only; 0 is off.", valueName: "k[,…]"))
    var topK: String?

    @Option(help: ArgumentHelp("Draw from the likeliest codes up to this probability; 0 is off.", valueName: "p[,…]"))
    var topP: String?

    @Option(
        help: ArgumentHelp(
            "Share of a window between the starts of windows, level 0 first (default: the song's, or 0.5,0.5,0.125).",
            valueName: "f[,…]"))
    var hopFraction: String?

    /// What was given; nil for the rest.
    struct Values {
        var temperature: PerLevel<Double>?
        var topK: PerLevel<Int>?
        var topP: PerLevel<Double>?
        var hopFraction: PerLevel<Double>?

        /// - Throws: `ValidationError` for what is no number.
        init(_ options: SamplingOptions) throws {
            temperature = try options.temperature.map { try SamplingOptions.list($0, "temperature") }
            topK = try options.topK.map { try SamplingOptions.list($0, "top-k") }
            topP = try options.topP.map { try SamplingOptions.list($0, "top-p") }
            hopFraction = try options.hopFraction.map { try SamplingOptions.list($0, "hop-fraction") }
        }
    }

    fileprivate static func list<Value: LosslessStringConvertible>(
        _ text: String, _ name: String
    ) throws -> PerLevel<Value> {
        let values = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = Value(String(part)), (value as? Double)?.isFinite ?? true else {
                throw ValidationError("--\(name): \(part) is not a number; give one, or one a level with commas")
            }
            return value
        }
        return values.count == 1 ? .all(values[0]) : .each(values)
    }
}
