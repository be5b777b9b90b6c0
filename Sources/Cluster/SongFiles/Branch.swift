package import SongPlan

/// What a user asks of a branch.
package struct BranchRequest: Sendable {
    package var operation: BranchOperation
    /// Of the parent, by their places; nil: the first, or all to upsample.
    package var samples: [Int]?
    /// Seconds from which on it is another song (`go-on`, `vary`); nil: the parent's end.
    package var at: Double?
    /// The seconds that are kept (`cut`); nil: from the beginning, to the end.
    package var from: Double?
    package var to: Double?
    /// Added after `at` (`go-on`).
    package var seconds: Double?
    /// Samples that are made of the one that is kept (`go-on`, `vary`).
    package var variations = 1
    /// Genres of left, middle and right, of one sample (`upsample`).
    package var stereo: [String]?

    // What is otherwise as the parent has it.
    package var artist: String?
    package var genre: String?
    package var lyrics: String?
    package var temperature: PerLevel<Double>?
    package var topK: PerLevel<Int>?
    package var topP: PerLevel<Double>?
    package var hopFraction: PerLevel<Double>?
    package var segments: SegmentChoice?
    package var overlap: Double?
    package var stopAt: Int?
    package var seed: UInt64?

    package init(_ operation: BranchOperation) { self.operation = operation }
}

/// A song that comes from another one, and what it keeps of it.
package struct Branch: Sendable {
    /// Without its codes' file, and without its ancestry.
    package var specification: SongSpecification
    /// Root first.
    package var ancestry: [SongSpecification]
    /// What is kept, [level][sample][token].
    package var codes: [[[Int]]]

    /// - Parameters:
    ///   - parent: a finished song.
    ///   - id: its own, where it has one.
    ///   - codes: its codes, [level][sample][token].
    ///   - sampleRate: hertz.
    ///   - chance: the seed of a branch that samples something new, where the request names none.
    /// - Throws: `SongError` that says what is wrong with the request.
    package init(
        _ request: BranchRequest, of parent: SongSpecification, id: String?, codes: [[[Int]]], sampleRate: Int,
        chance: UInt64
    ) throws {
        let kept = try KeptPart(request, of: parent, codes: codes, sampleRate: sampleRate)
        var ancestor = parent
        (ancestor.ancestry, ancestor.codes) = (nil, parent.parent == nil ? parent.codes : nil)
        ancestry = (parent.ancestry ?? []) + [ancestor]
        guard ancestry.count <= Ancestry.most else {
            throw SongError("a song has at most \(Ancestry.most) ancestors, and this branch would have more")
        }
        var song = ancestor
        (song.seconds, song.prompt, song.promptSeconds, song.sources) = (nil, nil, nil, nil)
        song.mode = request.operation == .upsample ? .upsample : .continue
        song.seed = request.seed ?? (request.operation == .upsample || request.operation == .cut ? song.seed : chance)
        song.samples = try kept.labels(of: parent, request)
        song.sampleLength = kept.length
        song.stopAt = kept.stopAt
        // Cuts of the parent are not those of a song of which less is to be sampled.
        if song.segments != nil, request.operation != .upsample { (song.segments, song.overlap) = (.auto, nil) }
        if kept.isWhole { (song.segments, song.overlap) = (nil, nil) }
        song.stereo = request.stereo == nil ? nil : true
        request.override(&song)
        var origin = BranchOrigin(
            operation: request.operation, song: id, samples: kept.samples, from: kept.range.lowerBound,
            to: kept.range.upperBound, lowestLevel: kept.lowestLevel, digests: [])
        origin.digests = try origin.rows(of: codes).map(BranchOrigin.digests)
        song.parent = origin
        specification = song
        self.codes = try origin.keep(of: codes, samples: song.samples.count)
    }
}

extension BranchRequest {
    /// Puts what was asked for in the place of what the parent had.
    fileprivate func override(_ song: inout SongSpecification) {
        for place in song.samples.indices {
            if let artist { (song.samples[place].artist, song.samples[place].artistID) = (artist, nil) }
            if let genre { (song.samples[place].genre, song.samples[place].genreIDs) = (genre, nil) }
            if let lyrics { song.samples[place].lyrics = lyrics }
            if let stereo { (song.samples[place].genre, song.samples[place].genreIDs) = (stereo[place], nil) }
        }
        if let temperature { song.temperature = temperature }
        if let topK { song.topK = topK }
        if let topP { song.topP = topP }
        if let hopFraction { song.hopFraction = hopFraction }
        if let segments { song.segments = segments == .count(1) ? nil : segments }
        if let overlap { song.overlap = overlap }
        if song.segments == nil, overlap == nil { song.overlap = nil }
    }
}

/// What of the parent a branch keeps, in tokens.
private struct KeptPart {
    /// Places in the parent.
    let samples: [Int]
    /// In top-level tokens.
    let range: Range<Int>
    let lowestLevel: Int
    /// Of the branch: audio samples, and the lowest level that is sampled.
    let length: Int
    let stopAt: Int
    /// Audio samples of a top-level token.
    private let unit: Int
    private let operation: BranchOperation

    /// Audio samples, far more than any song or label has: what is above is damage.
    private static let longest = 1 << 40

    /// Whether nothing is left to sample.
    var isWhole: Bool { operation == .cut }

    init(
        _ request: BranchRequest, of parent: SongSpecification, codes: [[[Int]]], sampleRate: Int
    ) throws {
        try request.check()
        guard let top = codes.last?.first?.count, top > 0, let length = parent.sampleLength,
            (1...Self.longest).contains(length), length.isMultiple(of: top), sampleRate > 0,
            codes.allSatisfy({ $0.count == parent.samples.count }),
            parent.samples.allSatisfy({ (0...Self.longest).contains($0.offset ?? 0) })
        else { throw SongError("the song has no codes of the top level, so that nothing can branch from it") }
        (unit, operation) = (length / top, request.operation)
        let (unit, rate) = (unit, Double(sampleRate))
        /// A place in top-level tokens.
        func place(_ seconds: Double?, _ name: String, or usual: Int) throws -> Int {
            guard let seconds else { return usual }
            let longest = Double(length) / rate
            // What a page shows of the end is rounded.
            guard seconds >= 0, seconds <= longest + 0.01 else {
                throw SongError("\(name) is \(seconds) s; the song has \((longest * 100).rounded() / 100) s")
            }
            return min(top, Int(seconds * rate) / unit)
        }
        samples = try request.samples(of: codes.last?.count ?? 0)
        let levels = codes.count
        stopAt = request.stopAt ?? (request.operation == .upsample ? 0 : parent.stopAt)
        guard (0..<levels).contains(stopAt) else {
            throw SongError("stop_at \(stopAt) is not a level of the song; its levels are 0 to \(levels - 1)")
        }
        switch request.operation {
        case .goOn, .vary:
            let at = try place(request.at, "at", or: top)
            guard at > 0 else {
                throw SongError("nothing of the song is kept before \(request.at ?? 0) s; submit a new song instead")
            }
            guard request.operation == .goOn || at < top else {
                throw SongError("nothing is left to vary at the song's end; give a place before it, or go on")
            }
            range = 0..<at
            let added = Int((request.seconds ?? 0) * rate) / unit
            guard request.operation == .vary || added > 0 else {
                throw SongError("seconds is \(request.seconds ?? 0); it must be at least one top-level token, above 0")
            }
            self.length = request.operation == .vary ? length : (at + added) * unit
            lowestLevel = max(parent.stopAt, stopAt)
        case .cut:
            let (from, to) = (try place(request.from, "from", or: 0), try place(request.to, "to", or: top))
            guard from < to else { throw SongError("there is nothing between from and to; to must be after from") }
            range = from..<to
            self.length = range.count * unit
            lowestLevel = max(parent.stopAt, stopAt)
        case .upsample:
            range = 0..<top
            self.length = length
            lowestLevel = levels - 1
        }
    }

    /// By sample of the branch.
    func labels(of parent: SongSpecification, _ request: BranchRequest) throws -> [SampleSpecification] {
        let count = request.stereo == nil ? request.variations : 3
        let places = samples.count == 1 ? Array(repeating: samples[0], count: count) : samples
        return places.map { place in
            var sample = parent.samples[place]
            sample.number = operation == .upsample && request.stereo == nil ? sample.number ?? place : nil
            switch operation {
            case .goOn:
                let end = (sample.offset ?? 0) + length
                sample.totalLength = sample.totalLength.map { max($0, end) }
            case .cut:
                // Where nothing was said of a whole, the part is one.
                guard sample.totalLength != nil, range.lowerBound > 0 else { break }
                sample.offset = (sample.offset ?? 0) + range.lowerBound * unit
            case .vary, .upsample: break
            }
            return sample
        }
    }
}

extension BranchRequest {
    /// - Throws: `SongError` for what the operation has no use for.
    fileprivate func check() throws {
        func refuse(_ isGiven: Bool, _ name: String) throws {
            if isGiven { throw SongError("\(name) has no meaning for \(operation.rawValue); leave it away") }
        }
        try refuse(at != nil && ![.goOn, .vary].contains(operation), "at")
        try refuse((from != nil || to != nil) && operation != .cut, "from or to")
        try refuse(seconds != nil && operation != .goOn, "seconds")
        try refuse(variations != 1 && ![.goOn, .vary].contains(operation), "variations")
        try refuse(stereo != nil && operation != .upsample, "stereo")
        try refuse(seed != nil && operation == .cut, "seed")
        guard (1...256).contains(variations) else {
            throw SongError("variations is \(variations); it must be 1 to 256")
        }
        for (name, seconds) in [("at", at), ("from", from), ("to", to), ("seconds", seconds)] {
            guard let seconds, !(0...3600).contains(seconds) else { continue }
            throw SongError("\(name) is \(seconds); it must be seconds, 0 to 3600")
        }
        if let stereo {
            guard stereo.count == 3 else {
                throw SongError("stereo names \(stereo.count) genres; it takes three: left, middle, right")
            }
            guard samples?.count ?? 1 == 1, genre == nil else {
                throw SongError("stereo is of one sample, and its genres are those that it names")
            }
        }
    }

    /// - Parameter count: samples that the parent has.
    fileprivate func samples(of count: Int) throws -> [Int] {
        if stereo != nil, samples == nil, count > 1 {
            throw SongError("stereo is of one sample, and the song has \(count); name one")
        }
        let places = samples ?? (operation == .upsample && stereo == nil ? Array(0..<count) : [0])
        if let wrong = places.first(where: { !(0..<count).contains($0) }) {
            throw SongError(
                "\(wrong) is not a sample of the song; it has "
                    + (count == 1 ? "one, 0" : "\(count), 0 to \(count - 1)"))
        }
        guard !places.isEmpty, Set(places).count == places.count else {
            throw SongError("samples names those that are kept, each once")
        }
        guard operation == .upsample || places.count == 1 else {
            throw SongError("\(operation.rawValue) keeps one sample of the song; name one")
        }
        return places
    }
}
