import SongPlan

/// The life of a song, from its submission to its end.
extension Coordinator {
    mutating func submit(_ submission: Submission, plan known: Plan?) {
        if let song = truth.song(submission.song) {
            guard song.submission.asksTheSame(as: submission) else {
                return refuse(
                    submission, "song \(submission.song) was submitted before with other contents; use another id")
            }
            return emit(.submitAccepted(submission.song))
        }
        let plan: Plan
        do throws(GeometryError) {
            plan = try makePlan(submission, known: known)
        } catch {
            return refuse(submission, error.description)
        }
        if let fault = submission.fault(plan: plan) { return refuse(submission, fault) }
        commit(.songSubmitted(submission))
        emit(.submitAccepted(submission.song))
        allow(name: submission.model, fingerprints: submission.fingerprints)
        guard let song = truth.find(submission.song) else { return }
        enqueue(song)
        askForCuts(song)
    }

    private mutating func refuse(_ submission: Submission, _ reason: String) {
        emit(.submitRefused(submission.song, reason: reason))
    }

    /// The known tokens of a song: journaled, then sampling may start.
    mutating func initialTokens(_ id: SongID, _ tokens: [[[UInt16]]]) {
        guard let ref = truth.find(id) else {
            return emit(.defect(.unknownSong(id, event: "initialTokens")))
        }
        guard truth[ref].state == .preparing else { return }
        if let fault = KnownTokens.fault(truth[ref], tokens) { return end(ref, .failed(reason: fault)) }
        for stream in truth[ref].streamRefs.map(truth[ref].id) where stream.segment == 0 {
            let known = tokens[stream.sample][stream.level]
            if !known.isEmpty { commit(.tokens(stream, start: 0, known, .known)) }
        }
        commit(.songState(id, .sampling))
        for stream in truth[ref].streamRefs { announceIfComplete(stream) }
        announceIfSampled(ref)
        enqueue(ref)
        askForCuts(ref)
    }

    mutating func preparationFailed(_ id: SongID, reason: String) {
        guard let song = truth.find(id) else {
            return emit(.defect(.unknownSong(id, event: "preparationFailed")))
        }
        if truth[song].state == .preparing { end(song, .failed(reason: reason)) }
    }

    mutating func cancel(_ id: SongID) {
        guard let song = truth.find(id), !truth[song].state.isEnded else { return }
        end(song, .cancelled)
    }

    mutating func outputs(of id: SongID, became state: SongState) {
        guard let song = truth.find(id) else {
            return emit(.defect(.unknownSong(id, event: "outputs")))
        }
        switch truth[song].state {
        case .decoding: end(song, state)
        case .preparing, .sampling:
            // Decoding runs while sampling does, so it may fail early; it cannot succeed early.
            if case .failed = state {
                end(song, state)
            } else {
                emit(.defect(.outputsBeforeSampled(id, state: truth[song].state)))
            }
        case .finished, .parked, .failed, .cancelled: break
        }
    }

    /// A song goes on from the tokens that it has, with nothing held against its windows.
    mutating func resume(_ id: SongID) {
        guard let song = truth.find(id), truth[song].state.isResumable else { return }
        commit(.songResumed(id))
        models.add(truth[song].submission)
        emit(.songResumed(id))
        // A restart knows none of a song that rested.
        for stream in truth[song].streamRefs where truth[stream].check != nil { checks.streams.insert(stream) }
        guard truth[song].state != .preparing else { return }
        for stream in truth[song].streamRefs { announceIfComplete(stream) }
        announceIfSampled(song)
        enqueue(song)
        askForCuts(song)
    }

    mutating func note(_ note: SongNote, of id: SongID) {
        guard let song = truth.song(id), song.note != note else { return }
        commit(.songNoted(id, note))
    }

    /// Ends or parks a song, and takes its tasks from their workers.
    mutating func end(_ song: SongRef, _ state: SongState) {
        let id = truth[song].id
        let leases = truth[song].streams.flatMap(\.holders.leases)
        for stream in truth[song].streamRefs { endPrefill(stream) }
        // Of a song that may go on, it stays known when its windows ended.
        if state != .finished {
            for lease in leases { commit(.leaseEnded(lease.task, lease.epoch, of: lease.worker, .other("\(state)"))) }
        }
        commit(.songState(id, state))
        for lease in leases {
            send(to: lease.worker, .revoke(lease.task, lease.epoch, reason: "song \(id) is \(state)"))
        }
        cuts.forget(song)
        emit(.songEnded(id, state))
    }

    /// Tells of a stream that has all its tokens, where it is one that is decoded.
    mutating func announceIfComplete(_ stream: StreamRef) {
        let song = truth[stream.song]
        let id = song.id(stream)
        guard id.level >= song.plan.stopAt, song.plan.levels[id.level].total > 0, song.isComplete(stream) else {
            return
        }
        emit(.streamCompleted(id))
    }

    mutating func announceIfSampled(_ song: SongRef) {
        if truth[song].state == .decoding { emit(.songSampled(truth[song].id)) }
    }
}

/// A prompt's tokens, or given codes.
private enum KnownTokens {
    /// What is wrong with a song's known tokens, by sample, then level; nil when they fit.
    static func fault(_ song: Song, _ tokens: [[[UInt16]]]) -> String? {
        guard tokens.count == song.submission.samples else {
            return "known tokens of \(tokens.count) samples came; the song has \(song.submission.samples)"
        }
        for (sample, levels) in tokens.enumerated() {
            guard levels.count == song.levels else {
                return "known tokens of \(levels.count) levels came for sample \(sample); "
                    + "the model has \(song.levels)"
            }
            for (level, known) in levels.enumerated() {
                if let fault = fault(song, sample, level, known) { return fault }
            }
        }
        return nil
    }

    private static func fault(_ song: Song, _ sample: Int, _ level: Int, _ known: [UInt16]) -> String? {
        let wanted = song.plan.levels[level].known
        guard known.count == wanted else {
            return "\(known.count) known tokens came for sample \(sample) level \(level); the plan needs \(wanted)"
        }
        let codes = song.plan.geometry.levels[level].codes
        return known.first { Int($0) >= codes }.map {
            "a known token of sample \(sample) level \(level) is \($0); the model has codes 0 to \(codes - 1)"
        }
    }
}
