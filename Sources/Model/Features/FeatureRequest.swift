/// Why features cannot be had of a recording or a model.
package struct FeatureError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// What is wanted of recordings. Everything besides recording and model that its features are a function of.
package struct FeatureRequest: Sendable, Hashable, Codable {
    /// k of 1 … depth: the output of k blocks of the top level's prior.
    package var layers: [Int]
    package var windows: WindowRule
    /// Frames a second, by the spectrum (`FourierResampling`); nil for one a token.
    package var rate: Double?
    package var pool: Pooling
    /// Seconds into the recording.
    package var offset: Double
    /// Seconds of the recording; nil for all.
    package var duration: Double?
    /// A recording that does not fill the window is refused, as jukemir does.
    package var wantsWholeWindow: Bool

    package init(
        layers: [Int], windows: WindowRule = .first, rate: Double? = nil, pool: Pooling = .none, offset: Double = 0,
        duration: Double? = nil, wantsWholeWindow: Bool = false
    ) {
        (self.layers, self.windows, self.rate, self.pool) = (layers, windows, rate, pool)
        (self.offset, self.duration, self.wantsWholeWindow) = (offset, duration, wantsWholeWindow)
    }
}

/// What becomes of rows or frames.
package enum Pooling: Sendable, Hashable, Codable {
    case none
    /// One mean of all.
    case mean
    /// Means of so many consecutive ones; what is left at the end is dropped.
    case average(Int)

    /// `none`, `mean` or `avg:34`.
    package init?(_ text: String) {
        switch text {
        case "none": self = .none
        case "mean": self = .mean
        default:
            guard text.hasPrefix("avg:"), let count = Int(text.dropFirst(4)), (1...1_000_000).contains(count) else {
                return nil
            }
            self = .average(count)
        }
    }

    package var text: String {
        switch self {
        case .none: "none"
        case .mean: "mean"
        case .average(let count): "avg:\(count)"
        }
    }
}

/// Which parts of a recording become windows.
package enum WindowRule: Sendable, Hashable, Codable {
    /// The first 25 s are encoded in one piece, and the first window of them is kept (jukemirlib, jukemir).
    case first
    /// The first window exactly, with zeros where the recording is shorter, whose rows are left out (LLark).
    case padded
    /// Slices of so many seconds, so many seconds apart, each as a recording of its own (EDGE).
    case slices(length: Double, hop: Double)
    /// All of it, in windows without overlap, each encoded alone (Sheet Sage).
    case all

    /// `first`, `padded`, `all` or `slices:5,2.5`.
    package init?(_ text: String) {
        switch text {
        case "first": self = .first
        case "padded": self = .padded
        case "all": self = .all
        default:
            let numbers = text.dropFirst(7).split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            guard text.hasPrefix("slices:"), numbers.count == 2, let length = numbers[0], let hop = numbers[1],
                length > 0, length < 1e6, hop > 0, hop < 1e6
            else { return nil }
            self = .slices(length: length, hop: hop)
        }
    }

    package var text: String {
        switch self {
        case .first: "first"
        case .padded: "padded"
        case .all: "all"
        case .slices(let length, let hop): "slices:\(Self.plain(length)),\(Self.plain(hop))"
        }
    }

    /// Whether each window is a result of its own.
    package var isSliced: Bool { if case .slices = self { true } else { false } }

    private static func plain(_ number: Double) -> String {
        number == number.rounded() ? String(Int(number)) : String(number)
    }
}

/// What other projects take of Jukebox.
package enum FeatureConvention: String, Sendable, CaseIterable, Codable {
    case jukemirlib, jukemir, edge, sheetsage, llark

    /// What it takes of the model with 72 layers that all of them use.
    package var request: FeatureRequest {
        switch self {
        case .jukemirlib: FeatureRequest(layers: [36])
        case .jukemir: FeatureRequest(layers: [36], pool: .mean, wantsWholeWindow: true)
        case .edge: FeatureRequest(layers: [66], windows: .slices(length: 5, hop: 2.5), rate: 30)
        case .sheetsage: FeatureRequest(layers: [53], windows: .all)
        case .llark: FeatureRequest(layers: [36], windows: .padded, pool: .average(34))
        }
    }
}

extension Pooling {
    /// As text.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let pooling = Self(text) else { throw FeatureError("\(text) is no pooling") }
        self = pooling
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension WindowRule {
    /// As text.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let rule = Self(text) else { throw FeatureError("\(text) is no rule for windows") }
        self = rule
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
