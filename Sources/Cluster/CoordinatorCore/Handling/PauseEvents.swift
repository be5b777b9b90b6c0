import SongPlan

/// A pause: nothing can be journaled just now. Workers keep what they have, and nobody's silence counts.
extension Coordinator {
    mutating func pause() { isPaused = true }

    mutating func proceed() {
        guard isPaused else { return }
        isPaused = false
        // Whoever was silent in the pause may have had nobody to talk to.
        pool.hearAll(now: now)
    }

    /// A chunk is not taken: unacknowledged, it is sent again. Time does not pass for leases.
    mutating func handleInPause(_ event: Event) {
        switch event {
        case .chunk(let peer, _): _ = heard(peer)
        case .tick: break
        case .submit, .allowModel, .initialTokens, .preparationFailed, .workerHello, .heartbeat, .taskFailed, .goodbye,
            .peerLost, .workerDied, .releaseMachine, .drain, .cutChosen, .cancel, .resume, .note, .remove, .pause,
            .proceed,
            .outputsWritten, .outputsFailed:
            handle(event)
        }
    }

    /// Removes a song that has ended, or cancels it before.
    mutating func remove(_ id: SongID) {
        guard let song = truth.find(id) else { return }
        if !truth[song].state.isEnded { end(song, .cancelled) }
        commit(.songRemoved(id))
    }
}
