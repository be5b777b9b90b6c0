package import SongPlan

/// A record that is left away, because it does not fit what is left of the records before it.
package struct DroppedRecord: Sendable, Hashable {
    /// Among the records.
    package var place: Int
    package var song: SongID
    package var why: ReplayError
}

extension SongTable {
    /// What records say of which some may be missing. What does not fit any more is left away: tokens after a gap, and
    /// leases of windows that the stream is not at. All of that is sampled again, with the same tokens.
    static func mended(_ records: [Record]) -> (SongTable, [DroppedRecord]) {
        var (table, dropped) = mended(records, beginningAnew: [])
        let anew = table.songs.filter { $0.lacksKnownTokens }.map(\.id)
        if !anew.isEmpty { (table, dropped) = mended(records, beginningAnew: Set(anew)) }
        return (table, dropped)
    }

    /// - Parameter anew: songs of which only the submission counts, since what they start from is lost.
    private static func mended(_ records: [Record], beginningAnew anew: Set<SongID>) -> (SongTable, [DroppedRecord]) {
        var table = SongTable()
        var dropped: [DroppedRecord] = []
        for (place, record) in records.enumerated() {
            do throws(ReplayError) {
                try table.check(record)
                try table.checkStrictly(record, anew)
                table.startIfSampled(record)
                _ = table.apply(record)
            } catch {
                dropped.append(DroppedRecord(place: place, song: record.song, why: error))
                // Its epoch was given.
                if case .leaseGranted(_, let epoch, _) = record { table.skipEpochs(below: epoch + 1) }
            }
        }
        dropped += table.endLeases(ofStreamsIn: dropped, records)
        return (table, dropped)
    }

    /// What a whole history cannot break.
    private func checkStrictly(_ record: Record, _ anew: Set<SongID>) throws(ReplayError) {
        if anew.contains(record.song), song(record.song)?.state != .finished {
            switch record {
            case .songSubmitted: break
            case .tokens(let stream, let start, _, _): throw .gap(stream, start: start, have: 0)
            case .leaseGranted(let task, _, _), .leaseEnded(let task, _, _, _), .workerBlamed(let task, _, _, _):
                throw .unknownTask(task)
            case .cut(let song, let sample, let seam, let position):
                throw .impossibleCut(song, sample: sample, seam: seam, position: position)
            case .songState(let song, let state): if !state.isAtRest { throw .unknownSong(song) }
            case .checkBegun(let task), .checkEnded(let task), .claimed(let task, _, _, _, _): throw .unknownTask(task)
            case .tokensDropped(let stream, _): throw .unknownStream(stream)
            case .cutDropped(let song, let sample, let seam):
                throw .impossibleCut(song, sample: sample, seam: seam, position: 0)
            case .songResumed, .songNoted, .songRemoved, .machine, .verdict, .verdictLifted: break
            }
        }
        switch record {
        case .tokens(let stream, let start, let tokens, .sampled):
            guard let ref = live(stream) else { return }
            let song = self[ref.song]
            let end = song.end(ref)
            guard song.isLaidOut(ref), end + tokens.count <= song.segment(ref).range.upperBound else {
                throw .gap(stream, start: start, have: end)
            }
        case .leaseGranted(let task, _, _):
            guard let ref = live(task.stream) else { return }
            guard self[ref].window == task.window, self[ref.song].isLaidOut(ref),
                self[ref].check == nil || hasPremise(task, ref)
            else { throw .unknownTask(task) }
        case .claimed(let task, _, _, _, _):
            guard let ref = live(task.stream) else { return }
            guard hasPremise(task, ref) else { throw .unknownTask(task) }
        case .songSubmitted(let submission):
            guard find(submission.song) == nil else {
                throw .impossibleSubmission(submission.song, reason: "it was submitted before")
            }
        case .tokens, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed, .songNoted, .songRemoved, .machine,
            .checkBegun,
            .checkEnded, .tokensDropped, .cutDropped, .verdict, .verdictLifted:
            break
        }
    }

    /// Whether the tokens exist that a window is conditioned on. Where they are lost, nobody knows whose they were: a machine
    /// may have lied. Two that agreed on what follows from them must not convict one that has others.
    private func hasPremise(_ task: TaskID, _ stream: StreamRef) -> Bool {
        let song = self[stream.song]
        return song.segment(stream).windows[task.window].above.map { song.hasAbove(stream, $0) } ?? true
    }

    /// Whoever sampled had what the song starts from, even where the record that says so is lost.
    private mutating func startIfSampled(_ record: Record) {
        let id: SongID
        switch record {
        case .tokens(let stream, _, _, .sampled): id = stream.song
        case .leaseGranted(let task, _, _): id = task.song
        case .songSubmitted, .tokens, .leaseEnded, .workerBlamed, .cut, .songState, .songResumed, .songNoted,
            .songRemoved,
            .machine,
            .checkBegun, .checkEnded, .claimed, .tokensDropped, .cutDropped, .verdict, .verdictLifted:
            return
        }
        guard let song = song(id), song.state == .preparing, song.hasKnownTokens else { return }
        _ = apply(.songState(id, .sampling))
    }

    /// A worker that still has a lease of a stream that lost tokens is further than the journal, and cannot send again
    /// what was acknowledged.
    ///
    /// - Returns: the records that granted such leases, which are left away, too.
    private mutating func endLeases(ofStreamsIn dropped: [DroppedRecord], _ records: [Record]) -> [DroppedRecord] {
        var epochs: Set<Epoch> = []
        for drop in dropped {
            guard case .tokens(let stream, _, _, _) = records[drop.place], let ref = live(stream) else { continue }
            for lease in self[ref].holders.leases {
                epochs.insert(lease.epoch)
                _ = apply(.leaseEnded(lease.task, lease.epoch, of: lease.worker, .notHeld))
            }
        }
        guard !epochs.isEmpty else { return [] }
        return records.enumerated().compactMap { place, record in
            guard case .leaseGranted(let task, let epoch, _) = record, epochs.contains(epoch) else { return nil }
            return DroppedRecord(place: place, song: task.song, why: .unknownTask(task))
        }
    }
}

extension Song {
    /// Whether it is sampled without some of them.
    fileprivate var lacksKnownTokens: Bool {
        switch state {
        case .sampling, .decoding: submission.awaitsTokens && !hasKnownTokens
        case .preparing: streams.contains { !$0.holders.isEmpty }
        case .parked, .failed, .cancelled:
            submission.awaitsTokens && !hasKnownTokens && streams.contains { !$0.tokens.isEmpty }
        case .finished: false
        }
    }
}
