/// How the levels below the top are cut, so that they can be sampled in parallel. All lengths are top-level tokens.
///
/// A segment begins `lead` before its cut and ends `tail` after the next one: there its neighbour's rendition of the
/// same music exists too, and the two are joined where they agree best.
package struct Segmentation: Sendable, Hashable, Codable {
    /// Segments of each level that is cut, at least 2.
    package var count: Int
    /// How long before its cut a segment begins.
    package var lead: Int
    /// How long after a cut the segment before it goes on.
    package var tail: Int
    /// How far a cut may lie from its nominal place, on either side.
    package var search: Int

    package init(count: Int, lead: Int, tail: Int, search: Int) {
        self.count = count
        self.lead = lead
        self.tail = tail
        self.search = search
    }

    /// Seconds of lead and tail together, and of search, as measured: Docs/Measurements/Segments.md.
    package static let usualOverlap = 0.25
    private static let searchSeconds = 0.75
    /// Seconds of a segment that `auto` aims at, and those that it goes down to so that every slot has a segment. Below
    /// seven overlaps too much is sampled twice.
    private static let (usualSeconds, leastSeconds, leastOverlaps) = (8.0, 2.5, 7.0)
    private static let mostSegments = 1024

    /// As many segments as are asked for; nil for one segment, which is exact mode.
    ///
    /// - Parameters:
    ///   - length: top-level tokens that are to be cut.
    ///   - overlap: seconds; 0 cuts hard, at the nominal places.
    ///   - slots: windows that the cluster runs at the same time, for `auto`; 0 when that is not known.
    /// - Throws: `GeometryError` with the largest count that works.
    package static func standard(
        _ choice: SegmentChoice, length: Int, geometry: ModelGeometry, overlap: Double = usualOverlap,
        slots: Int = 0
    ) throws(GeometryError) -> Segmentation? {
        let rate = Double(geometry.sampleRate) / Double(geometry.lengthUnit)
        guard (0...5).contains(overlap) else {
            throw GeometryError("an overlap of \(overlap) s cannot work; it must be 0 to 5, \(usualOverlap) is usual")
        }
        func tokens(_ seconds: Double) -> Int { Int((seconds * rate).rounded(.up)) }
        // The right segment needs longer until it sounds as if it had never begun.
        let (lead, tail) = (tokens(0.7 * overlap), tokens(0.3 * overlap))
        let most = max(1, min(mostSegments, length / max(2, 2 * (lead + tail))))
        let count: Int
        switch choice {
        case .auto:
            let seconds = Double(length) / rate
            let room = Int(seconds / max(leastSeconds, leastOverlaps * overlap))
            count = min(most, max(1, Int(seconds / usualSeconds), min(slots, room)))
        case .count(let asked):
            guard (1...most).contains(asked) else {
                throw GeometryError(
                    "\(asked) segments cannot work: what is to be sampled has room for 1 (exact) to \(most)")
            }
            count = asked
        }
        guard count > 1 else { return nil }
        // Cuts that move towards each other must leave a segment more than its overlaps.
        let room = (length / count - lead - tail) / 2
        return Segmentation(
            count: count, lead: lead, tail: tail, search: overlap > 0 ? min(tokens(searchSeconds), room) : 0)
    }
}

/// What a song says of segments: a number, or `auto`.
package enum SegmentChoice: Sendable, Hashable, Codable {
    /// As the length suggests, and the slots of the cluster when the song is submitted.
    case auto
    /// 1 is exact mode.
    case count(Int)

    /// - Parameter text: `auto` or a number.
    package init?(_ text: String) {
        if text == "auto" {
            self = .auto
        } else if let count = Int(text) {
            self = .count(count)
        } else {
            return nil
        }
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let count = try? value.decode(Int.self) {
            self = .count(count)
        } else if try value.decode(String.self) == "auto" {
            self = .auto
        } else {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "it is neither a number nor \"auto\"")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .auto: try value.encode("auto")
        case .count(let count): try value.encode(count)
        }
    }
}
