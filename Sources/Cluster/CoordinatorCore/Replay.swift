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

extension Coordinator {
    /// A coordinator as the journal left it.
    ///
    /// Leases that were open stay with their workers until `now` plus a lease, so that a worker that says
    /// hello again goes on as if nothing had happened. The first call of `handle` tells again of all
    /// completed streams and sampled songs that have not ended.
    ///
    /// - Throws: `ReplayError` when the records cannot come from one history.
    package init(
        replaying records: some Sequence<Record>, settings: Settings = Settings(), now: Instant
    ) throws(ReplayError) {
        self.init(settings: settings, now: now)
        for record in records {
            try check(record)
            apply(record)
        }
        for place in songs.indices { revive(place) }
        for id in pool.sortedIDs where pool.workers[id]?.tasks.isEmpty == true { pool.remove(id) }
    }

    private func check(_ record: Record) throws(ReplayError) {
        switch record {
        case .songSubmitted(let submission):
            do throws(GeometryError) {
                _ = try plans.plan(submission.planInputs)
            } catch {
                throw .impossibleSubmission(submission.song, reason: error.description)
            }
        case .tokens(let stream, let start, _, let origin):
            let song = try known(stream)
            guard !song.state.isEnded, origin != .known else { return }
            let have = song.end(song.index(stream))
            guard start == have else { throw .gap(stream, start: start, have: have) }
        case .leaseGranted(let task, _, _), .leaseEnded(let task, _, _), .workerBlamed(let task, _, _):
            let song = try known(task.stream)
            guard song.state.isEnded || song.segment(song.index(task.stream)).windows.indices.contains(task.window)
            else { throw .unknownTask(task) }
        case .cut(let id, let sample, let seam, let position):
            guard let place = songIndex[id] else { throw .unknownSong(id) }
            guard songs[place].hasCut(sample: sample, seam: seam, position: position) else {
                throw .impossibleCut(id, sample: sample, seam: seam, position: position)
            }
        case .songState(let song, _):
            guard songIndex[song] != nil else { throw .unknownSong(song) }
        }
    }

    private func known(_ stream: StreamID) throws(ReplayError) -> Song {
        guard let place = songIndex[stream.song] else { throw .unknownSong(stream.song) }
        guard songs[place].contains(stream) else { throw .unknownStream(stream) }
        return songs[place]
    }

    private mutating func revive(_ place: Int) {
        switch songs[place].state {
        case .preparing: know(songs[place].submission)
        case .sampling:
            know(songs[place].submission)
            unannounced.append(place)
            if songs[place].begun { open(place) } else { waiting.insert(songs[place]) }
        case .decoding:
            unannounced.append(place)
            know(songs[place].submission)
        case .finished, .failed, .cancelled: break
        }
    }

    mutating func announceAfterReplay() {
        for place in unannounced {
            for index in songs[place].streams.indices { announceIfComplete(place, index) }
            announceIfSampled(place)
            askForCuts(place)
        }
        unannounced = []
    }
}
