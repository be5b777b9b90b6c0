import SongPlan

// What records about checks do to a song. Only the table of songs calls these.
extension Song {
    mutating func note(_ machine: MachineID, of worker: WorkerID) { machines[worker] = machine }

    mutating func beginCheck(_ stream: StreamRef) { streams[stream.index].beginCheck() }

    mutating func endCheck(_ stream: StreamRef) { streams[stream.index].endCheck() }

    mutating func claim(_ tokens: [UInt16], from start: Int, of stream: StreamRef, _ epoch: Epoch, _ worker: WorkerID) {
        streams[stream.index].claim(tokens, from: start, epoch, worker, machine(of: worker))
    }

    /// A machine was found to give wrong tokens.
    mutating func forgetClaims(of machine: MachineID) {
        for place in streams.indices where streams[place].check != nil { streams[place].forgetClaims(of: machine) }
    }

    /// Before new tokens of a stream are appended: where they come from.
    mutating func noteSource(_ count: Int, of stream: StreamRef, _ worker: WorkerID) {
        let start = end(stream)
        streams[stream.index].note(start..<start + count, from: machine(of: worker))
    }

    /// Tokens of a stream go, from a place in the level on; its window has nobody any more.
    ///
    /// - Returns: the leases that ended with it.
    mutating func drop(_ stream: StreamRef, from place: Int) -> [Lease] {
        let segment = segment(stream)
        let leases = self[stream].holders.leases
        let end = max(segment.range.lowerBound, min(place, end(stream)))
        let window = segment.windows.firstIndex { $0.new.upperBound > end } ?? segment.windows.count
        streams[stream.index].drop(to: end - segment.range.lowerBound, end: end, window: window)
        running -= leases.count
        if state == .decoding, !isSampled { state = .sampling }
        return leases
    }

    /// A cut is at its nominal place again, and not decided.
    mutating func forgetCut(sample: Int, seam: Int) {
        isDecided[sample][seam] = false
        guard plans[sample].cuts[seam] != plan.cuts[seam] else { return }
        plans[sample].move(cut: seam, to: plan.cuts[seam])
        paths[sample] = CriticalPaths(plans[sample])
    }
}
