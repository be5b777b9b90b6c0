/// Whether a detector tells a song's seams from other places of the same song.
package struct SeamReport: Sendable, Codable {
    package struct Place: Sendable, Codable {
        /// From the start of the song.
        package var seconds: Double
        package var measures: SeamMeasures
        package var score: Double
    }

    /// In the order of time.
    package var seams: [Place]
    /// Places that are not seams, drawn at random but the same every time.
    package var others: [Place]
    /// The chance that a seam scores above another place (area under the ROC curve): 0.5 is undetectable.
    package var auc: Double
    /// The same of each measure alone.
    package var aucs: [String: Double]

    /// - Parameters:
    ///   - seams: samples from the start.
    ///   - length: samples of the recording.
    ///   - read: gives so many samples from a place on; silence lies around the recording.
    ///   - places: how many others to compare with, at most.
    /// - Returns: nil when the song has no seams, or is too short for other places.
    package init?(
        seams: [Int], length: Int, rate: Int, places: Int = 200, read: (_ from: Int, _ count: Int) throws -> [Float]
    ) throws {
        let detector = SeamDetector(rate: rate)
        let reach = detector.reach
        func place(_ position: Int) throws -> Place {
            let measures = detector.measure(try read(position - reach, 2 * reach))
            return Place(seconds: Double(position) / Double(rate), measures: measures, score: measures.score)
        }
        let others = Self.others(seams, length: length, rate: rate, count: places)
        guard !seams.isEmpty, others.count >= 10 else { return nil }
        self.seams = try seams.sorted().map(place)
        self.others = try others.map(place)
        auc = Self.auc(self.seams.map(\.score), self.others.map(\.score))
        aucs = [:]
        for (name, measure) in [
            ("onset", \SeamMeasures.onset), ("phase", \.phase), ("change", \.change), ("click", \.click),
        ] {
            aucs[name] = Self.auc(
                self.seams.map { $0.measures[keyPath: measure] }, self.others.map { $0.measures[keyPath: measure] })
        }
    }

    /// Places at least a tenth of a second from every seam, and a quarter from both ends.
    private static func others(_ seams: [Int], length: Int, rate: Int, count: Int) -> [Int] {
        let margin = rate / 4
        guard length > 4 * margin else { return [] }
        var state: UInt64 = 0x5EA3
        var found: [Int] = []
        for _ in 0..<4 * count where found.count < count {
            // Knuth's MMIX generator; the upper bits are the good ones.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = margin + Int(state >> 33) % (length - 2 * margin)
            if seams.allSatisfy({ abs($0 - place) >= rate / 10 }) { found.append(place) }
        }
        return found.sorted()
    }

    /// The share of pairs in which the first scores higher; ties count half.
    package static func auc(_ seams: [Double], _ others: [Double]) -> Double {
        var wins = 0.0
        for seam in seams { for other in others { wins += seam > other ? 1 : seam == other ? 0.5 : 0 } }
        return wins / Double(max(1, seams.count * others.count))
    }
}
