package import SongPlan

/// A journal that contradicts itself.
package enum ReplayError: Error, Sendable, Hashable, CustomStringConvertible {
    case impossibleSubmission(SongID, reason: String)
    case unknownSong(SongID)
    case unknownStream(StreamID)
    case unknownTask(TaskID)
    case gap(StreamID, start: Int, have: Int)
    case impossibleCut(SongID, sample: Int, seam: Int, position: Int)

    package var description: String {
        let what =
            switch self {
            case .impossibleSubmission(let song, let reason): "song \(song) cannot be planned: \(reason)"
            case .unknownSong(let song): "song \(song) is mentioned before it was submitted"
            case .unknownStream(let stream):
                "song \(stream.song) has no sample \(stream.sample) level \(stream.level) segment \(stream.segment)"
            case .unknownTask(let task): "there is no \(task)"
            case .gap(let stream, let start, let have):
                "song \(stream.song) sample \(stream.sample) level \(stream.level) segment \(stream.segment) has "
                    + "\(have) tokens when tokens from \(start) on are recorded"
            case .impossibleCut(let song, let sample, let seam, let position):
                "song \(song) sample \(sample) cannot have cut \(seam) at \(position)"
            }
        return "the journal contradicts itself: \(what); restore it from a copy"
    }
}

extension SongTable {
    /// What records say, in their order.
    ///
    /// - Throws: `ReplayError` when they cannot come from one history.
    init(replaying records: some Sequence<Record>) throws(ReplayError) {
        self.init()
        for record in records {
            try check(record)
            _ = apply(record)
        }
    }

    mutating func check(_ record: Record) throws(ReplayError) {
        switch record {
        case .songSubmitted(let submission):
            do throws(GeometryError) {
                _ = try plan(submission.planInputs)
            } catch {
                throw .impossibleSubmission(submission.song, reason: error.description)
            }
        case .tokens(let stream, let start, _, let origin):
            let song = try known(stream)
            guard !song.state.isAtRest, origin != .known else { return }
            let have = song.end(song.ref(stream))
            guard start == have else { throw .gap(stream, start: start, have: have) }
        case .leaseGranted(let task, _, _), .leaseEnded(let task, _, _, _), .workerBlamed(let task, _, _, _):
            let song = try known(task.stream)
            guard song.state.isAtRest || song.segment(song.ref(task.stream)).windows.indices.contains(task.window)
            else { throw .unknownTask(task) }
        case .checkBegun(let task), .checkEnded(let task), .claimed(let task, _, _, _, _):
            let song = try known(task.stream)
            guard song.streams.isEmpty || song.segment(song.ref(task.stream)).windows.indices.contains(task.window)
            else { throw .unknownTask(task) }
        case .tokensDropped(let stream, _): _ = try known(stream)
        case .cutDropped(let id, let sample, let seam):
            guard let song = song(id) else { throw .unknownSong(id) }
            guard song.plans.indices.contains(sample), song.plan.cuts.indices.contains(seam) else {
                throw .impossibleCut(id, sample: sample, seam: seam, position: 0)
            }
        case .machine(let song, _, _):
            guard find(song) != nil else { throw .unknownSong(song) }
        case .verdict, .verdictLifted: break
        case .cut(let id, let sample, let seam, let position):
            guard let song = song(id) else { throw .unknownSong(id) }
            guard song.hasCut(sample: sample, seam: seam, position: position) else {
                throw .impossibleCut(id, sample: sample, seam: seam, position: position)
            }
        case .songState(let song, _), .songResumed(let song), .songNoted(let song, _), .songRemoved(let song):
            guard find(song) != nil else { throw .unknownSong(song) }
        }
    }

    private func known(_ stream: StreamID) throws(ReplayError) -> Song {
        guard let song = song(stream.song) else { throw .unknownSong(stream.song) }
        guard song.contains(stream) else { throw .unknownStream(stream) }
        return song
    }
}
