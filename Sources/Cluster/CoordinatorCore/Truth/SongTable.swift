import SongPlan

/// What the journal says: a fold over its records, and nothing else. `apply` is the only way to change it.
struct SongTable: Sendable {
    /// In the order of their submissions.
    private(set) var songs: [Song] = []
    /// The epoch that the next lease gets.
    private(set) var nextEpoch: Epoch = 1
    /// By machine that was found to give wrong tokens, how.
    private(set) var verdicts: [MachineID: String] = [:]
    private var refs: [SongID: SongRef] = [:]
    private var plans = PlanCache()

    /// What a record changed, for those who keep indices over the table.
    struct Changes: Sendable {
        var granted: Lease?
        var ended: [Lease] = []
        /// Leases of a window that nothing is held against any more.
        var cleared: [Lease] = []
    }

    subscript(song: SongRef) -> Song { songs[song.place] }
    subscript(stream: StreamRef) -> Stream { songs[stream.song.place].streams[stream.index] }

    func find(_ id: SongID) -> SongRef? { refs[id] }

    func song(_ id: SongID) -> Song? { refs[id].map { self[$0] } }

    /// A stream of a song that is worked on.
    func live(_ stream: StreamID) -> StreamRef? {
        guard let song = song(stream.song), !song.state.isAtRest, song.contains(stream) else { return nil }
        return song.ref(stream)
    }

    /// The lease of a task that a worker has now; nil for tasks that do not exist, too.
    func lease(_ task: TaskID, of worker: WorkerID) -> Lease? {
        live(task.stream).flatMap { self[$0].holders.leases.first { $0.task == task && $0.worker == worker } }
    }

    /// Different plans that are kept.
    var planCount: Int { plans.count }

    /// The plan of a song that may be submitted; see `PlanCache`.
    mutating func plan(_ inputs: PlanInputs, known: Plan? = nil) throws(GeometryError) -> Plan {
        try plans.plan(inputs, known: known)
    }

    // MARK: Records

    /// Lets a record happen, live and in replay. Records that come too late (of a song at rest) change nothing.
    mutating func apply(_ record: Record) -> Changes {
        var changes = Changes()
        switch record {
        case .songSubmitted(let submission): add(submission)
        case .tokens(let stream, _, let tokens, let origin): append(tokens, to: stream, origin, &changes)
        case .leaseGranted(let task, let epoch, let worker):
            nextEpoch = max(nextEpoch, epoch + 1)
            guard let stream = live(task.stream) else { break }
            let reached = self[stream.song].journaled(stream)
            let lease = Lease(task: task, epoch: epoch, worker: worker, reached: reached)
            changes.ended += [songs[stream.song.place].grant(lease, on: stream)].compactMap(\.self)
            changes.granted = lease
        case .leaseEnded(let task, let epoch, _, _):
            guard let stream = live(task.stream) else { break }
            changes.ended += [songs[stream.song.place].end(task, epoch, of: stream)].compactMap(\.self)
        case .workerBlamed(let task, let worker, let blame, let machine):
            guard blame != .vanished, let stream = live(task.stream) else { break }
            songs[stream.song.place].blame(Charge(machine: machine ?? worker, blame: blame), for: task, of: stream)
        case .machine, .checkBegun, .claimed, .checkEnded, .tokensDropped, .cutDropped, .verdict, .verdictLifted:
            changes.ended += applyCheck(record)
        case .cut(let id, let sample, let seam, let position):
            guard let song = refs[id], !self[song].state.isAtRest else { break }
            songs[song.place].decide(sample: sample, seam: seam, position: position)
        case .songState(let id, let state):
            guard let song = refs[id] else { break }
            changes.ended += change(song, to: state)
        case .songResumed(let id):
            guard let song = refs[id], self[song].state.isResumable else { break }
            if self[song].state.isEnded { _ = try? plans.retain(self[song].submission.planInputs) }
            songs[song.place].resume()
        case .songNoted(let id, let note):
            if let song = refs[id] { songs[song.place].note = note }
        case .songRemoved(let id):
            guard let song = refs[id], self[song].state.isEnded else { break }
            songs[song.place].vacate()
            refs[id] = nil
        }
        return changes
    }

    /// Songs that were not removed, in the order of their submissions.
    var present: [Song] { songs.filter { refs[$0.id] == $0.ref } }

    /// Epochs below are not given any more.
    mutating func skipEpochs(below epoch: Epoch) { nextEpoch = max(nextEpoch, epoch) }

    /// - Returns: the leases that ended with it.
    private mutating func change(_ song: SongRef, to state: SongState) -> [Lease] {
        let former = self[song].state
        // What was parked may be given up, and that is all.
        guard !former.isAtRest || !former.isEnded && state.isEnded else { return [] }
        guard state.isAtRest else {
            songs[song.place].startSampling()
            return []
        }
        if state.isEnded { plans.release(self[song].submission.planInputs) }
        return songs[song.place].rest(state)
    }

    private mutating func add(_ submission: Submission) {
        guard let entry = try? plans.retain(submission.planInputs) else { return }
        let ref = SongRef(place: songs.count)
        refs[submission.song] = ref
        songs.append(Song(submission: submission, entry: entry, ref: ref))
    }

    /// - Returns: leases that ended with it.
    private mutating func applyCheck(_ record: Record) -> [Lease] {
        switch record {
        case .machine(let id, let worker, let machine):
            if let song = refs[id] { songs[song.place].note(machine, of: worker) }
        case .checkBegun(let task):
            if let stream = live(task.stream) { songs[stream.song.place].beginCheck(stream) }
        case .claimed(let task, let epoch, let worker, let start, let tokens):
            guard let stream = live(task.stream), self[stream].window == task.window else { break }
            songs[stream.song.place].claim(tokens, from: start, of: stream, epoch, worker)
        case .checkEnded(let task):
            if let stream = live(task.stream) { songs[stream.song.place].endCheck(stream) }
        case .tokensDropped(let id, let place):
            guard let song = song(id.song), !song.streams.isEmpty, song.contains(id) else { break }
            return songs[song.ref.place].drop(song.ref(id), from: place)
        case .cutDropped(let id, let sample, let seam):
            guard let song = refs[id], !self[song].streams.isEmpty else { break }
            songs[song.place].forgetCut(sample: sample, seam: seam)
        case .verdict(let machine, let reason):
            verdicts[machine] = reason
            for place in songs.indices { songs[place].forgetClaims(of: machine) }
        case .verdictLifted(let machine): verdicts[machine] = nil
        case .songSubmitted, .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed,
            .songNoted, .songRemoved:
            break
        }
        return []
    }

    private mutating func append(
        _ tokens: [UInt16], to stream: StreamID, _ origin: TokenOrigin, _ changes: inout Changes
    ) {
        guard let ref = live(stream) else { return }
        switch origin {
        case .known: songs[ref.song.place].setKnown(tokens, of: ref)
        case .sampled(_, let epoch, let worker):
            songs[ref.song.place].noteSource(tokens.count, of: ref, worker)
            if !self[ref].blames.isEmpty { changes.cleared = self[ref].holders.leases }
            changes.ended += songs[ref.song.place].append(tokens, to: ref, epoch: epoch)
        }
    }
}

extension SongTable: Equatable {
    static func == (left: SongTable, right: SongTable) -> Bool {
        left.nextEpoch == right.nextEpoch && left.verdicts == right.verdicts && left.songs == right.songs
            && left.refs == right.refs
    }
}
