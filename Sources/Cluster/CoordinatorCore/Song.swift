import SongPlan

/// A task given to a worker.
struct Lease: Sendable {
    var task: TaskID
    var epoch: Epoch
    var worker: WorkerID
    var granted: Instant
    /// Of its worker's speed, in tokens a second: what it counts for in fairness.
    var share: Int
    /// New tokens of the window that the worker has and that are journaled, whoever brought them.
    var reached: Int
    /// Since when `unmeasured` tokens have come: the grant, then the last time its speed was measured.
    var heard: Instant
    var unmeasured = 0
    /// Whether it has brought tokens. Before the first there is the prefill.
    var hasSpoken = false
    /// Its window had better be on a fast worker: it moves there as soon as one is free.
    var isProvisional = false
    /// Its worker had begun the window before it had the lease.
    var wasBegun = false
}

/// One segment of one level of one sample, as far as it exists.
struct Stream: Sendable {
    /// From the segment's first token on.
    var tokens: [UInt16] = []
    /// Index of the first window that is not complete.
    var window = 0
    /// Who has the window: nobody, one worker, or two while a copy of a straggler's task runs.
    var leases: [Lease] = []
    /// Its only lease is a straggler's: a faster worker may have a copy.
    var isStraggling = false
    /// The next window, where it was begun elsewhere.
    var ahead: AheadWindow?
    /// The entry of the ready index that stands for this stream, if it is in there.
    var queued: ReadyTask?
    /// What is held against workers for the current window, since its last journaled token.
    var blames: [(worker: WorkerID, blame: Blame)] = []
}

/// What of a song never changes, behind one reference: songs are looked at, and so copied, all the time.
private final class SongConstants: Sendable {
    let submission: Submission
    let plan: Plan
    let order: Int
    let places: [(level: Int, segment: Int)]
    let firstPlaces: [Int]

    init(submission: Submission, plan: Plan, order: Int) {
        self.submission = submission
        self.plan = plan
        self.order = order
        places = plan.levels.flatMap { level in level.segments.indices.map { (level.level, $0) } }
        firstPlaces = plan.levels.indices.map { level in
            plan.levels[..<level].reduce(0) { $0 + $1.segments.count }
        }
    }
}

/// A song with its tokens. Streams are in the order sample, level, segment.
struct Song: Sendable {
    private let constants: SongConstants
    /// By sample, with the cuts that were decided.
    private(set) var plans: [Plan]
    private(set) var paths: [CriticalPaths]
    /// By sample and cut, whether it was decided. Segments without both of theirs wait.
    private(set) var isDecided: [[Bool]]
    /// By sample, cuts that were asked for.
    var asked: [Int]
    var state: SongState
    var streams: [Stream]
    /// Whether its tasks may be handed out. A song waits unopened until slots are free for it.
    var isOpen = false
    /// Leases of its tasks, and the speed of their slots.
    var running = 0
    var share = 0
    /// Whether any task of it was ever handed out.
    var begun = false
    /// What status shows after the tokens are gone.
    var final: [LevelProgress]?

    init(submission: Submission, plan: Plan, paths: CriticalPaths, order: Int) {
        constants = SongConstants(submission: submission, plan: plan, order: order)
        let samples = submission.samples
        plans = Array(repeating: plan, count: samples)
        self.paths = Array(repeating: paths, count: samples)
        isDecided = Array(repeating: Array(repeating: false, count: plan.cuts.count), count: samples)
        asked = Array(repeating: 0, count: samples)
        state = submission.awaitsTokens ? .preparing : .sampling
        streams = Array(repeating: Stream(), count: samples * constants.places.count)
    }

    var submission: Submission { constants.submission }
    /// With nominal cuts: what is the same for every sample.
    var plan: Plan { constants.plan }
    /// Its place in the order of submissions.
    var order: Int { constants.order }
    /// By place in a sample, the level and segment of the stream there.
    private var places: [(level: Int, segment: Int)] { constants.places }
    /// By level, the place of its first segment.
    private var firstPlaces: [Int] { constants.firstPlaces }

    var id: SongID { submission.song }
    var levels: Int { plan.levels.count }

    func index(_ stream: StreamID) -> Int {
        stream.sample * places.count + firstPlaces[stream.level] + stream.segment
    }
    func stream(at index: Int) -> StreamID {
        let place = places[index % places.count]
        return StreamID(song: id, sample: index / places.count, level: place.level, segment: place.segment)
    }
    func contains(_ stream: StreamID) -> Bool {
        (0..<submission.samples).contains(stream.sample) && (0..<levels).contains(stream.level)
            && plan.levels[stream.level].segments.indices.contains(stream.segment)
    }
    func level(at index: Int) -> Int { places[index % places.count].level }

    /// As far as its cuts are decided, the segment's plan.
    func segment(_ index: Int) -> SegmentPlan {
        let place = places[index % places.count]
        return plans[index / places.count].levels[place.level].segments[place.segment]
    }

    /// The place in the level up to which the stream's tokens exist.
    func end(_ index: Int) -> Int { segment(index).range.lowerBound + streams[index].tokens.count }

    /// Tokens of a stream, by their places in the level.
    func tokens(_ index: Int, _ range: some RangeExpression<Int>) -> ArraySlice<UInt16> {
        let start = segment(index).range.lowerBound
        let range = range.relative(to: start..<start + streams[index].tokens.count)
        return streams[index].tokens[range.lowerBound - start..<range.upperBound - start]
    }

    /// Segments of another level that share music with a stream's: its own and, for the overlaps, those beside it.
    private func neighbours(_ place: (level: Int, segment: Int), at level: Int) -> ClosedRange<Int> {
        let last = plan.levels[level].segments.count - 1
        return min(last, max(0, place.segment - 1))...min(last, place.segment + 1)
    }

    /// Of a slice of the level above, the parts with the streams that they come from.
    private func parts(
        _ index: Int, _ slice: Range<Int>, _ body: (_ stream: Int, _ part: Range<Int>) -> Void
    ) {
        let (place, sample) = (places[index % places.count], index / places.count)
        let first = sample * places.count + firstPlaces[place.level + 1]
        for segment in neighbours(place, at: place.level + 1) {
            let part = plans[sample].part(of: slice, level: place.level + 1, segment: segment)
            if !part.isEmpty { body(first + segment, part) }
        }
    }

    /// Whether the tokens of the level above exist that a window of a stream is conditioned on.
    func hasAbove(_ index: Int, _ slice: Range<Int>) -> Bool {
        var isThere = true
        parts(index, slice) { isThere = isThere && end($0) >= $1.upperBound }
        return isThere
    }

    /// The tokens of the level above that a window of a stream is conditioned on.
    func above(_ index: Int, _ slice: Range<Int>) -> [UInt16] {
        var above: [UInt16] = []
        above.reserveCapacity(slice.count)
        parts(index, slice) { above += tokens($0, $1) }
        return above
    }

    /// The streams that a stream conditions.
    func below(_ index: Int) -> [Int] {
        let place = places[index % places.count]
        guard place.level > 0 else { return [] }
        let first = index / places.count * places.count + firstPlaces[place.level - 1]
        if plan.levels[place.level].segments.count == 1 {
            return plan.levels[place.level - 1].segments.indices.map { first + $0 }
        }
        return neighbours(place, at: place.level - 1).map { first + $0 }
    }

    func isComplete(_ index: Int) -> Bool {
        streams[index].tokens.count == segment(index).range.count
    }
    var isSampled: Bool { streams.indices.allSatisfy(isComplete) }

    /// The window that the stream is at; nil when it has all of them, or its cuts are not decided.
    func window(_ index: Int) -> Window? {
        let windows = segment(index).windows
        let current = streams[index].window
        return windows.indices.contains(current) && isLaidOut(index) ? windows[current] : nil
    }

    /// The one after it.
    func nextWindow(_ index: Int) -> Window? {
        let windows = segment(index).windows
        let next = streams[index].window + 1
        return windows.indices.contains(next) && isLaidOut(index) ? windows[next] : nil
    }

    /// Whether the cuts beside a stream's segment are decided.
    private func isLaidOut(_ index: Int) -> Bool {
        let place = places[index % places.count]
        guard plan.isCut(place.level) else { return true }
        let cuts = isDecided[index / places.count]
        return (place.segment == 0 || cuts[place.segment - 1])
            && (place.segment == cuts.count || cuts[place.segment])
    }

    /// A cut of a sample lies there.
    mutating func decide(sample: Int, seam: Int, position: Int) {
        isDecided[sample][seam] = true
        guard plans[sample].cuts[seam] != position else { return }
        plans[sample].move(cut: seam, to: position)
        paths[sample] = CriticalPaths(plans[sample])
    }

    /// The task that could be handed out next: the window's prime and slice above exist, and nobody has it, or a
    /// straggler.
    func readyTask(_ index: Int) -> ReadyTask? {
        let leases = streams[index].leases
        guard state == .sampling, leases.isEmpty || leases.count == 1 && streams[index].isStraggling,
            let window = window(index)
        else { return nil }
        guard end(index) >= window.new.lowerBound else { return nil }
        if let slice = window.above, !hasAbove(index, slice) { return nil }
        let stream = stream(at: index)
        return ReadyTask(
            path: path(index), isCopy: !leases.isEmpty, task: TaskID(stream: stream, window: window.index))
    }

    /// Tokens of the longest chain from where the stream is to the song's end.
    func path(_ index: Int) -> Int {
        guard let window = window(index) else { return 0 }
        let stream = stream(at: index)
        return paths[stream.sample].length(level: stream.level, segment: stream.segment, window: window.index)
            - max(0, end(index) - window.new.lowerBound)
    }

    /// What a worker must be able to do for the level.
    func skill(_ level: Int) -> Skill {
        Skill(level: level, fingerprint: submission.fingerprints[level] ?? "")
    }

    /// What workers must be able to do for the tasks that are ready now.
    var wantedSkills: [Skill] {
        var levels: Set<Int> = []
        for index in streams.indices where readyTask(index) != nil { levels.insert(level(at: index)) }
        return levels.sorted().map(skill)
    }

    /// New tokens of the window that the stream is at which are journaled.
    func journaled(_ index: Int) -> Int {
        guard let window = window(index) else { return 0 }
        return end(index) - window.new.lowerBound
    }

    /// Lets the tokens go.
    mutating func end(_ state: SongState) {
        final = progress(in: state)
        self.state = state
        streams = []
        running = 0
        share = 0
        isOpen = false
    }
}

/// Plans by what they are a function of, so that ten thousand songs of one shape keep one plan.
struct PlanCache: Sendable {
    private var plans: [PlanInputs: (plan: Plan, paths: CriticalPaths, users: Int)] = [:]

    func plan(_ inputs: PlanInputs) throws(GeometryError) -> Plan {
        if let known = plans[inputs] { return known.plan }
        return try inputs.plan()
    }

    var count: Int { plans.count }

    mutating func retain(_ inputs: PlanInputs, _ plan: Plan) -> CriticalPaths {
        plans[inputs, default: (plan, CriticalPaths(plan), 0)].users += 1
        return plans[inputs]?.paths ?? CriticalPaths(plan)
    }

    mutating func release(_ inputs: PlanInputs) {
        guard let entry = plans[inputs] else { return }
        plans[inputs] = entry.users > 1 ? (entry.plan, entry.paths, entry.users - 1) : nil
    }
}
