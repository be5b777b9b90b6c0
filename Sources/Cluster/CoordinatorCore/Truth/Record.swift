package import SongPlan

/// Where a song is. `preparing` → `sampling` → `decoding` → `finished`; any of the first three may become
/// `parked`, `failed` or `cancelled`. These three keep their tokens, and go on when somebody resumes them.
package enum SongState: Sendable, Hashable, Codable {
    /// Its known tokens are awaited.
    case preparing
    case sampling
    /// All tokens exist; its outputs are being written.
    case decoding
    case finished
    /// Nothing of it is assigned until somebody resumes it: going on by itself would take workers along.
    case parked(reason: String)
    case failed(reason: String)
    case cancelled

    /// Whether nothing more will happen to the song by itself, and nobody waits for it.
    package var isEnded: Bool {
        switch self {
        case .preparing, .sampling, .decoding, .parked: false
        case .finished, .failed, .cancelled: true
        }
    }

    /// Whether nothing is done for the song just now.
    package var isAtRest: Bool {
        switch self {
        case .preparing, .sampling, .decoding: false
        case .finished, .parked, .failed, .cancelled: true
        }
    }

    /// Whether somebody may let the song go on from the tokens that it has.
    package var isResumable: Bool {
        switch self {
        case .preparing, .sampling, .decoding, .finished: false
        case .parked, .failed, .cancelled: true
        }
    }
}

extension SongState: CustomStringConvertible {
    package var description: String {
        switch self {
        case .preparing: "preparing"
        case .sampling: "sampling"
        case .decoding: "decoding"
        case .finished: "finished"
        case .parked(let reason): "parked: \(reason)"
        case .failed(let reason): "failed: \(reason)"
        case .cancelled: "cancelled"
        }
    }
}

/// Where journaled tokens come from.
package enum TokenOrigin: Sendable, Hashable {
    /// A prompt or given codes.
    case known
    case sampled(TaskID, Epoch, WorkerID)
}

/// Why a task is held against a worker.
package enum Blame: Sendable, Hashable {
    /// The worker was lost while it ran the task: earlier releases took that for evidence. It counts for nothing.
    case vanished
    /// The worker said that it cannot, or sent what cannot be right.
    case reported(reason: String)
    /// The worker's engine crashed in a step of the task; `isAlone`: and had no other task.
    case crashed(String, isAlone: Bool)

    /// Whether it shows that the window may be at fault. A crash with others in hand shows that one of them may be.
    var isEvidence: Bool {
        switch self {
        case .vanished: false
        case .reported: true
        case .crashed(_, let isAlone): isAlone
        }
    }
}

extension Blame: CustomStringConvertible {
    package var description: String {
        switch self {
        case .vanished: "the worker vanished"
        case .reported(let reason): reason
        case .crashed(let what, let isAlone): isAlone ? what : "\(what), with others"
        }
    }
}

/// What the journal keeps. Replaying any prefix of what was journaled gives a coordinator that can go on.
///
/// A lease also ends, without a record of its own, when the last token of its window is journaled and when
/// its song ends. A song is `decoding` as soon as its last token is journaled.
package enum Record: Sendable, Hashable {
    case songSubmitted(Submission)
    /// `start` is an absolute position in the level.
    case tokens(StreamID, start: Int, [UInt16], TokenOrigin)
    case leaseGranted(TaskID, Epoch, WorkerID)
    case leaseEnded(TaskID, Epoch, of: WorkerID, LeaseEnding)
    /// `machine`: nil in journals of earlier releases, which counted workers.
    case workerBlamed(TaskID, WorkerID, Blame, machine: MachineID? = nil)
    /// Where a sample of a song in segments is cut, in top-level tokens.
    case cut(SongID, sample: Int, seam: Int, position: Int)
    /// Only `sampling`, `parked` and the states that end a song.
    case songState(SongID, SongState)
    /// The machine of a worker that has windows of the song, where it is not the worker's own name.
    case machine(SongID, WorkerID, MachineID)
    /// From here on the window is sampled on several machines, and counts as far as two agree.
    case checkBegun(TaskID)
    /// What one of them has brought; `start` is an absolute position in the level.
    case claimed(TaskID, Epoch, WorkerID, start: Int, [UInt16])
    /// Nobody else could sample the window: it counts as it is.
    case checkEnded(TaskID)
    /// Tokens go, from an absolute position on: a machine that nobody witnessed gave them, or they depend on such.
    case tokensDropped(StreamID, from: Int)
    /// A cut was chosen by tokens that went.
    case cutDropped(SongID, sample: Int, seam: Int)
    /// A machine gave wrong tokens. Of no song: it outlives the one that it was found in.
    case verdict(MachineID, reason: String)
    case verdictLifted(MachineID)
    /// Nothing is left of a song that had ended, and its id is free.
    case songRemoved(SongID)
    /// A song that was parked, failed or cancelled goes on from its tokens; nothing is held against its windows any more.
    case songResumed(SongID)
    /// What a user calls the song and keeps beside it, in place of what was noted before.
    case songNoted(SongID, SongNote)

    /// The song that the record belongs to.
    package var song: SongID {
        switch self {
        case .songSubmitted(let submission): submission.song
        case .tokens(let stream, _, _, _): stream.song
        case .leaseGranted(let task, _, _), .leaseEnded(let task, _, _, _), .workerBlamed(let task, _, _, _):
            task.song
        case .songState(let song, _), .songResumed(let song), .songNoted(let song, _), .cut(let song, _, _, _),
            .songRemoved(let song),
            .machine(let song, _, _), .cutDropped(let song, _, _):
            song
        case .checkBegun(let task), .checkEnded(let task), .claimed(let task, _, _, _, _): task.song
        case .tokensDropped(let stream, _): stream.song
        case .verdict, .verdictLifted: ""
        }
    }
}
