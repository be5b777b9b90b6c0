package import SongPlan

/// A window handed to a worker, with all that it depends on.
package struct Assignment: Sendable, Hashable {
    package var task: TaskID
    package var epoch: Epoch
    /// The fingerprint that the worker's level must have.
    package var fingerprint: String
    package var seed: UInt64
    /// The sample as the random numbers count it.
    package var number: Int
    /// Tokens of the level that the window covers.
    package var window: Range<Int>
    /// The window's tokens that exist: its prime, then what was journaled of its new tokens. Ahead of the lease, what
    /// exists of the prime.
    package var tokens: [UInt16]
    /// How many of `tokens` are the prime.
    package var prime: Int
    /// The slice of the level above; empty at the top.
    package var above: [UInt16]
    package var labels: SongLabels?
    package var filter: Filter
    /// Tokens of the longest chain from here to the song's end.
    package var path: Int
}

/// A message to a worker.
package enum Outgoing: Sendable, Hashable {
    case welcome(heartbeat: Duration, lease: Duration)
    case refused(reason: String)
    /// The sender is unknown: say hello first.
    case helloWanted
    case assignment(Assignment)
    /// The next window of a chain, ahead of its lease: epoch 0, and of its tokens the first part of the prime.
    case prefill(Assignment)
    /// The window after the one that a worker has of a chain, ahead of its lease: epoch 0, and no tokens, since the worker
    /// itself samples what comes before.
    case announce(Assignment)
    /// `count` new tokens of the task's window are journaled.
    case acknowledged(TaskID, Epoch, count: Int)
    case revoke(TaskID, Epoch, reason: String)
    /// It gets no windows from now on, or gets them again: for it to tell a coordinator that does not know.
    case drain(Bool)
}

/// The caller broke the contract of an event. Nothing was changed; going on would hide a bug.
package enum Defect: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownSong(SongID, event: String)
    case outputsBeforeSampled(SongID, state: SongState)
    case impossibleCut(SongID, sample: Int, seam: Int, position: Int)

    package var description: String {
        switch self {
        case .unknownSong(let song, let event): "\(event) names song \(song), which was never submitted"
        case .outputsBeforeSampled(let song, let state):
            "outputs of song \(song) were reported while it is \(state)"
        case .impossibleCut(let song, let sample, let seam, let position):
            "cut \(seam) of song \(song) sample \(sample) cannot lie at \(position)"
        }
    }
}

/// What must be done, in the order given: a record is durable before the next effect is carried out.
package enum Effect: Sendable, Hashable {
    case journal(Record)
    case send(Peer, Outgoing)
    /// Find the best place for a cut: the top level exists as far as its room goes, and a little further. Told again
    /// after a restart.
    case chooseCut(SongID, sample: Int, seam: Int)
    /// All tokens of one segment of one level of one sample exist. Told again after a restart.
    case streamCompleted(StreamID)
    /// All tokens of the song exist: write its outputs. Told again after a restart.
    case songSampled(SongID)
    /// The song is finished, parked, failed or cancelled: nothing is done for it any more. Only of a finished one the
    /// tokens are no longer kept.
    case songEnded(SongID, SongState)
    /// Tokens of the song are sampled again, since a machine gave wrong ones, or may have: what was made of the former ones
    /// goes.
    case tokensWithdrawn(SongID, reason: String)
    /// The song goes on from the tokens that it has. What is complete of it is told again after this.
    case songResumed(SongID)
    case submitAccepted(SongID)
    case submitRefused(SongID, reason: String)
    /// Our own mistake: report it and stop.
    case defect(Defect)
}
