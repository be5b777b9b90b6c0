import SongPlan

/// What of a song never changes, behind one reference: songs are looked at, and so copied, all the time.
private final class SongConstants: Sendable {
    let submission: Submission
    let plan: Plan
    let places: [(level: Int, segment: Int)]
    let firstPlaces: [Int]

    init(submission: Submission, plan: Plan) {
        self.submission = submission
        self.plan = plan
        places = plan.levels.flatMap { level in level.segments.indices.map { (level.level, $0) } }
        firstPlaces = plan.levels.indices.map { level in
            plan.levels[..<level].reduce(0) { $0 + $1.segments.count }
        }
    }
}

/// A song with its tokens, as the journal says it. Streams are in the order sample, level, segment.
struct Song: Sendable {
    private let constants: SongConstants
    let ref: SongRef
    /// By sample, with the cuts that were decided.
    var plans: [Plan]
    var paths: [CriticalPaths]
    /// By sample and cut, whether it was decided. Segments without both of theirs wait.
    var isDecided: [[Bool]]
    var state: SongState
    /// None once the song is finished.
    var streams: [Stream]
    /// Leases of its tasks.
    var running = 0
    /// By worker that had windows of it, its machine.
    var machines: [WorkerID: MachineID] = [:]
    /// What its user calls it and keeps beside it.
    var note = SongNote()
    /// Whether any task of it was ever handed out.
    private(set) var begun = false
    /// What status shows while nothing is done for the song.
    private(set) var final: [LevelProgress]?

    init(submission: Submission, entry: PlanCache.Entry, ref: SongRef) {
        let (plan, samples) = (entry.plan, submission.samples)
        constants = SongConstants(submission: submission, plan: plan)
        self.ref = ref
        plans = Array(repeating: plan, count: samples)
        paths = Array(repeating: entry.paths, count: samples)
        isDecided = Array(repeating: Array(repeating: false, count: plan.cuts.count), count: samples)
        state = submission.awaitsTokens ? .preparing : .sampling
        streams = Array(repeating: Stream(), count: samples * constants.places.count)
    }

    var id: SongID { submission.song }
    var submission: Submission { constants.submission }
    var priority: Int { submission.priority }
    /// With nominal cuts: what is the same for every sample.
    var plan: Plan { constants.plan }
    var levels: Int { plan.levels.count }

    // MARK: Where streams are

    /// By place in a sample, the level and segment of the stream there.
    private var places: [(level: Int, segment: Int)] { constants.places }
    /// By level, the place of its first segment.
    private var firstPlaces: [Int] { constants.firstPlaces }

    var streamRefs: [StreamRef] { streams.indices.map { StreamRef(song: ref, index: $0) } }

    func ref(_ stream: StreamID) -> StreamRef {
        let index = stream.sample * places.count + firstPlaces[stream.level] + stream.segment
        return StreamRef(song: ref, index: index)
    }

    func id(_ stream: StreamRef) -> StreamID {
        let place = places[stream.index % places.count]
        return StreamID(
            song: id, sample: stream.index / places.count, level: place.level, segment: place.segment)
    }

    func contains(_ stream: StreamID) -> Bool {
        (0..<submission.samples).contains(stream.sample) && (0..<levels).contains(stream.level)
            && plan.levels[stream.level].segments.indices.contains(stream.segment)
    }

    func level(_ stream: StreamRef) -> Int { places[stream.index % places.count].level }

    subscript(stream: StreamRef) -> Stream { streams[stream.index] }

    // MARK: How far streams are

    /// As far as its cuts are decided, the segment's plan.
    func segment(_ stream: StreamRef) -> SegmentPlan {
        let place = places[stream.index % places.count]
        return plans[stream.index / places.count].levels[place.level].segments[place.segment]
    }

    /// The place in the level up to which the stream's tokens exist.
    func end(_ stream: StreamRef) -> Int { segment(stream).range.lowerBound + self[stream].tokens.count }

    /// Tokens of a stream, by their places in the level.
    func tokens(_ stream: StreamRef, _ range: some RangeExpression<Int>) -> ArraySlice<UInt16> {
        let start = segment(stream).range.lowerBound
        let range = range.relative(to: start..<start + self[stream].tokens.count)
        return self[stream].tokens[range.lowerBound - start..<range.upperBound - start]
    }

    func isComplete(_ stream: StreamRef) -> Bool { self[stream].tokens.count == segment(stream).range.count }

    var isSampled: Bool { streamRefs.allSatisfy(isComplete) }

    /// The window that the stream is at; nil when it has all of them, or its cuts are not decided.
    func window(_ stream: StreamRef) -> Window? { window(stream, after: 0) }

    /// The one after it.
    func nextWindow(_ stream: StreamRef) -> Window? { window(stream, after: 1) }

    private func window(_ stream: StreamRef, after count: Int) -> Window? {
        let windows = segment(stream).windows
        let place = self[stream].window + count
        return windows.indices.contains(place) && isLaidOut(stream) ? windows[place] : nil
    }

    /// The task that the stream is at.
    func task(_ stream: StreamRef) -> TaskID { TaskID(stream: id(stream), window: self[stream].window) }

    /// New tokens of the window that the stream is at which are journaled.
    func journaled(_ stream: StreamRef) -> Int {
        guard let window = window(stream) else { return 0 }
        return end(stream) - window.new.lowerBound
    }

    /// Tokens of the longest chain from where the stream is to the song's end.
    func path(_ stream: StreamRef) -> Int {
        guard let window = window(stream) else { return 0 }
        let id = id(stream)
        return paths[id.sample].length(level: id.level, segment: id.segment, window: window.index)
            - max(0, end(stream) - window.new.lowerBound)
    }

    /// The stream's window, when its prime and its slice of the level above exist.
    func possibleWindow(_ stream: StreamRef) -> Window? {
        guard state == .sampling, let window = window(stream), end(stream) >= window.new.lowerBound,
            window.above.map({ hasAbove(stream, $0) }) ?? true
        else { return nil }
        return window
    }

    // MARK: How streams depend on each other

    /// Segments of another level that share music with a stream's: its own and, for the overlaps, those beside it.
    private func neighbours(_ place: (level: Int, segment: Int), at level: Int) -> ClosedRange<Int> {
        let last = plan.levels[level].segments.count - 1
        return min(last, max(0, place.segment - 1))...min(last, place.segment + 1)
    }

    /// Of a slice of the level above, the parts with the streams that they come from.
    func parts(
        _ stream: StreamRef, _ slice: Range<Int>, _ body: (_ stream: StreamRef, _ part: Range<Int>) -> Void
    ) {
        let (place, sample) = (places[stream.index % places.count], stream.index / places.count)
        let first = sample * places.count + firstPlaces[place.level + 1]
        for segment in neighbours(place, at: place.level + 1) {
            let part = plans[sample].part(of: slice, level: place.level + 1, segment: segment)
            if !part.isEmpty { body(StreamRef(song: ref, index: first + segment), part) }
        }
    }

    /// Whether the tokens of the level above exist that a window of a stream is conditioned on.
    func hasAbove(_ stream: StreamRef, _ slice: Range<Int>) -> Bool {
        var isThere = true
        parts(stream, slice) { isThere = isThere && end($0) >= $1.upperBound }
        return isThere
    }

    /// The tokens of the level above that a window of a stream is conditioned on.
    func above(_ stream: StreamRef, _ slice: Range<Int>) -> [UInt16] {
        var above: [UInt16] = []
        above.reserveCapacity(slice.count)
        parts(stream, slice) { above += tokens($0, $1) }
        return above
    }

    /// The streams that a stream conditions.
    func below(_ stream: StreamRef) -> [StreamRef] {
        let place = places[stream.index % places.count]
        guard place.level > 0 else { return [] }
        let first = stream.index / places.count * places.count + firstPlaces[place.level - 1]
        let isWhole = plan.levels[place.level].segments.count == 1
        let segments =
            isWhole
            ? Array(plan.levels[place.level - 1].segments.indices)
            : Array(neighbours(place, at: place.level - 1))
        return segments.map { StreamRef(song: ref, index: first + $0) }
    }

    // MARK: Cuts

    /// Whether the cuts beside a stream's segment are decided.
    func isLaidOut(_ stream: StreamRef) -> Bool {
        let place = places[stream.index % places.count]
        guard plan.isCut(place.level) else { return true }
        let cuts = isDecided[stream.index / places.count]
        return (place.segment == 0 || cuts[place.segment - 1])
            && (place.segment == cuts.count || cuts[place.segment])
    }

    /// Whether a cut of a sample may lie there.
    func hasCut(sample: Int, seam: Int, position: Int) -> Bool {
        plans.indices.contains(sample) && plan.cuts.indices.contains(seam) && plan.room(ofCut: seam).contains(position)
    }
}

// What records do to a song. Only the table of songs calls these.
extension Song {
    mutating func setKnown(_ tokens: [UInt16], of stream: StreamRef) {
        // A crash may have cut the known tokens short; when they come again, they come whole.
        if state == .preparing { streams[stream.index].setKnown(tokens) }
    }

    /// - Returns: the leases that ended with the window, when that is complete.
    mutating func append(_ tokens: [UInt16], to stream: StreamRef, epoch: Epoch) -> [Lease] {
        let room = segment(stream).range.count
        streams[stream.index].append(tokens, room: room)
        // What is compared counts when two have said it, and one of them may not be there yet.
        if self[stream].check == nil { streams[stream.index].reach(journaled(stream), epoch) }
        var ended: [Lease] = []
        if let window = window(stream), end(stream) >= window.new.upperBound {
            ended = streams[stream.index].closeWindow()
            running -= ended.count
        }
        if isComplete(stream), isSampled { state = .decoding }
        return ended
    }

    /// - Returns: a lease that had to go.
    mutating func grant(_ lease: Lease, on stream: StreamRef) -> Lease? {
        begun = true
        let gone = streams[stream.index].grant(lease)
        if gone == nil { running += 1 }
        return gone
    }

    mutating func end(_ task: TaskID, _ epoch: Epoch, of stream: StreamRef) -> Lease? {
        guard streams[stream.index].holders.lease(of: epoch)?.task == task else { return nil }
        running -= 1
        return streams[stream.index].end(epoch)
    }

    mutating func blame(_ charge: Charge, for task: TaskID, of stream: StreamRef) {
        if streams[stream.index].window == task.window { streams[stream.index].blame(charge) }
    }

    /// A cut of a sample lies there.
    mutating func decide(sample: Int, seam: Int, position: Int) {
        isDecided[sample][seam] = true
        guard plans[sample].cuts[seam] != position else { return }
        plans[sample].move(cut: seam, to: position)
        paths[sample] = CriticalPaths(plans[sample])
    }

    /// Its known tokens are there.
    mutating func startSampling() { state = isSampled ? .decoding : .sampling }

    /// The song was removed.
    mutating func vacate() { (streams, running, final) = ([], 0, []) }

    /// The song rests. Only a finished one lets its tokens go: any other may be resumed.
    ///
    /// - Returns: the leases that ended with it.
    mutating func rest(_ state: SongState) -> [Lease] {
        let leases = streams.flatMap(\.holders.leases)
        final = progress(in: state)
        self.state = state
        if state == .finished { streams = [] } else { for place in streams.indices { streams[place].release() } }
        running = 0
        return leases
    }

    /// The song goes on from the tokens that it has.
    mutating func resume() {
        final = nil
        for place in streams.indices { streams[place].forgive() }
        state = !hasKnownTokens ? .preparing : isSampled ? .decoding : .sampling
    }

    /// Whether the tokens exist that it starts from. Earlier releases forgot those of songs that failed.
    var hasKnownTokens: Bool {
        streamRefs.allSatisfy { stream in
            let place = places[stream.index % places.count]
            return place.segment > 0 || self[stream].tokens.count >= plan.levels[place.level].known
        }
    }
}

extension Song: Equatable {
    /// What never changes is compared by the submission that it follows from.
    static func == (left: Song, right: Song) -> Bool {
        left.ref == right.ref && left.state == right.state && left.streams == right.streams
            && left.isDecided == right.isDecided && left.plans == right.plans && left.running == right.running
            && left.machines == right.machines && left.begun == right.begun && left.final == right.final
            && left.submission == right.submission
    }
}
