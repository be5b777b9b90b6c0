package import SongPlan

/// Where a song is. `preparing` → `sampling` → `decoding` → `finished`; any of the first three may become
/// `failed` or `cancelled`.
package enum SongState: Sendable, Hashable, Codable {
    /// Its known tokens are awaited.
    case preparing
    case sampling
    /// All tokens exist; its outputs are being written.
    case decoding
    case finished
    case failed(reason: String)
    case cancelled

    /// Whether nothing more will happen to the song.
    package var isEnded: Bool {
        switch self {
        case .preparing, .sampling, .decoding: false
        case .finished, .failed, .cancelled: true
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
    /// The worker was lost while it ran the task.
    case vanished
    /// The worker said that it cannot, or sent what cannot be right.
    case reported(reason: String)
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
    case workerBlamed(TaskID, WorkerID, Blame)
    /// Where a sample of a song in segments is cut, in top-level tokens.
    case cut(SongID, sample: Int, seam: Int, position: Int)
    /// Only `sampling` and the states that end a song.
    case songState(SongID, SongState)
    /// Nothing is left of a song that had ended, and its id is free.
    case songRemoved(SongID)

    /// The song that the record belongs to.
    package var song: SongID {
        switch self {
        case .songSubmitted(let submission): submission.song
        case .tokens(let stream, _, _, _): stream.song
        case .leaseGranted(let task, _, _), .leaseEnded(let task, _, _, _), .workerBlamed(let task, _, _):
            task.song
        case .songState(let song, _), .cut(let song, _, _, _), .songRemoved(let song): song
        }
    }
}
