import SongPlan

/// What must go of a sample when a machine's tokens are not believed any more.
struct Withdrawal: Sendable, Hashable {
    /// By stream, the place in the level up to which tokens stay. Where that is the stream's end, only leases end: the
    /// window that is sampled depends on what goes.
    var streams: [StreamRef: Int] = [:]
    /// Seams whose cuts were chosen by what goes.
    var cuts: [Int] = []
}

extension Song {
    /// What a machine has brought without another one's witness, and all that was conditioned on it.
    func withdrawal(of machine: MachineID, sample: Int) -> Withdrawal {
        withdrawal(sample: sample) { stream in
            self[stream].sources.first { $0.machine == machine && !$0.isVerified }?.start
        }
    }

    /// Tokens, and all that was conditioned on them: what comes later in the stream, windows below whose slice has some of
    /// them, cuts that were chosen by them, and segments beside these.
    ///
    /// - Parameter first: by stream, the place in the level of its first token that goes; nil when none goes for itself.
    func withdrawal(sample: Int, first: (StreamRef) -> Int?) -> Withdrawal {
        var result = Withdrawal()
        let own = streamRefs.filter { id($0).sample == sample }
        for level in (0..<levels).reversed() {
            for stream in own where self.level(stream) == level {
                if let place = firstLost(stream, first(stream), result) { result.streams[stream] = place }
            }
            if level == levels - 1 { result.cuts = lostCuts(sample: sample, result.streams) }
        }
        return result
    }

    private func firstLost(_ stream: StreamRef, _ own: Int?, _ lost: Withdrawal) -> Int? {
        let (segment, place) = (segment(stream), id(stream))
        if plan.isCut(place.level), let first = lost.cuts.first, place.segment >= first {
            return segment.range.lowerBound
        }
        for window in segment.windows.prefix(self[stream].window + 1) {
            guard let above = window.above, dependsOnLost(stream, above, lost) else { continue }
            return min(own ?? .max, window.new.lowerBound, end(stream))
        }
        return own
    }

    private func dependsOnLost(_ stream: StreamRef, _ above: Range<Int>, _ lost: Withdrawal) -> Bool {
        var depends = false
        parts(stream, above) { upper, part in
            if let place = lost.streams[upper], part.upperBound > place { depends = true }
        }
        return depends
    }

    /// A cut is chosen by the top level's tokens around it; so are those after it.
    private func lostCuts(sample: Int, _ lost: [StreamRef: Int]) -> [Int] {
        let top = ref(StreamID(song: id, sample: sample, level: levels - 1))
        guard let place = lost[top] else { return [] }
        return plan.cuts.indices.filter { isDecided[sample][$0] && plan.heard(forCut: $0).upperBound > place }
    }

    /// Machines that have brought tokens without a witness, of all streams.
    var unwitnessed: Set<MachineID> {
        Set(streams.flatMap(\.sources).filter { !$0.isVerified }.map(\.machine))
    }

    /// The machine of a worker that had windows of the song.
    func machine(of worker: WorkerID) -> MachineID { machines[worker] ?? worker }
}
