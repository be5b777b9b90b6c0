import SongPlan

/// The life of a song, from its submission to its end.
extension Coordinator {
    mutating func submit(_ submission: Submission) {
        if let place = songIndex[submission.song] {
            if songs[place].submission.asksTheSame(as: submission) {
                effects.append(.submitAccepted(submission.song))
            } else {
                refuse(
                    submission,
                    "song \(submission.song) was submitted before with other contents; use another id")
            }
            return
        }
        let plan: Plan
        do throws(GeometryError) {
            plan = try plans.plan(submission.planInputs)
        } catch {
            return refuse(submission, error.description)
        }
        if let fault = submission.fault(plan: plan) { return refuse(submission, fault) }
        commit(.songSubmitted(submission))
        effects.append(.submitAccepted(submission.song))
        know(submission)
        enqueue(songs.count - 1)
        askForCuts(songs.count - 1)
    }

    private mutating func refuse(_ submission: Submission, _ reason: String) {
        effects.append(.submitRefused(submission.song, reason: reason))
    }

    /// The known tokens of a song: journaled, then sampling may start.
    mutating func takeInitialTokens(_ id: SongID, _ tokens: [[[UInt16]]]) {
        guard let place = songIndex[id] else {
            effects.append(.defect(.unknownSong(id, event: "initialTokens")))
            return
        }
        guard songs[place].state == .preparing else { return }
        if let fault = initialFault(songs[place], tokens) { return end(place, .failed(reason: fault)) }
        for index in songs[place].streams.indices {
            let stream = songs[place].stream(at: index)
            let known = stream.segment == 0 ? tokens[stream.sample][stream.level] : []
            if !known.isEmpty { commit(.tokens(stream, start: 0, known, .known)) }
        }
        commit(.songState(id, .sampling))
        for index in songs[place].streams.indices { announceIfComplete(place, index) }
        announceIfSampled(place)
        enqueue(place)
        askForCuts(place)
    }

    private func initialFault(_ song: Song, _ tokens: [[[UInt16]]]) -> String? {
        guard tokens.count == song.submission.samples else {
            return "known tokens of \(tokens.count) samples came; the song has \(song.submission.samples)"
        }
        for (sample, levels) in tokens.enumerated() {
            guard levels.count == song.levels else {
                return "known tokens of \(levels.count) levels came for sample \(sample); "
                    + "the model has \(song.levels)"
            }
            for (level, known) in levels.enumerated() {
                let wanted = song.plan.levels[level].known
                guard known.count == wanted else {
                    return "\(known.count) known tokens came for sample \(sample) level \(level); "
                        + "the plan needs \(wanted)"
                }
                let codes = song.plan.geometry.levels[level].codes
                if let wrong = known.first(where: { Int($0) >= codes }) {
                    return "a known token of sample \(sample) level \(level) is \(wrong); "
                        + "the model has codes 0 to \(codes - 1)"
                }
            }
        }
        return nil
    }

    mutating func preparationFailed(_ id: SongID, reason: String) {
        guard let place = songIndex[id] else {
            effects.append(.defect(.unknownSong(id, event: "preparationFailed")))
            return
        }
        if songs[place].state == .preparing { end(place, .failed(reason: reason)) }
    }

    mutating func cancel(_ id: SongID) {
        guard let place = songIndex[id], !songs[place].state.isEnded else { return }
        end(place, .cancelled)
    }

    mutating func outputs(of id: SongID, became state: SongState) {
        guard let place = songIndex[id] else {
            effects.append(.defect(.unknownSong(id, event: "outputs")))
            return
        }
        switch songs[place].state {
        case .decoding: end(place, state)
        case .preparing, .sampling:
            // Decoding runs while sampling does, so it may fail early; it cannot succeed early.
            if case .failed = state {
                end(place, state)
            } else {
                effects.append(.defect(.outputsBeforeSampled(id, state: songs[place].state)))
            }
        case .finished, .failed, .cancelled: break
        }
    }

    /// Ends a song, and takes its tasks from their workers.
    mutating func end(_ place: Int, _ state: SongState) {
        let song = songs[place]
        if song.isOpen {
            ready.remove(song: place)
        } else if song.state == .sampling {
            waiting.remove(song)
        }
        for index in song.streams.indices { dropAhead(place, index) }
        commit(.songState(song.id, state))
        for lease in song.streams.flatMap(\.leases) {
            send(to: lease.worker, .revoke(lease.task, lease.epoch, reason: "song \(song.id) is \(state)"))
        }
        effects.append(.songEnded(song.id, state))
    }

    func announcement(_ place: Int, _ index: Int) -> StreamID? {
        let stream = songs[place].stream(at: index)
        let level = songs[place].plan.levels[stream.level]
        guard stream.level >= songs[place].plan.stopAt, level.total > 0 else { return nil }
        return songs[place].isComplete(index) ? stream : nil
    }

    mutating func announceIfComplete(_ place: Int, _ index: Int) {
        if let stream = announcement(place, index) { effects.append(.streamCompleted(stream)) }
    }

    mutating func announceIfSampled(_ place: Int) {
        if songs[place].state == .decoding { effects.append(.songSampled(songs[place].id)) }
    }
}
