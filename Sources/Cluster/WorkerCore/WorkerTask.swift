package import SongPlan

/// A window as the batch sees it: rows to run, tokens to sample.
package struct WorkerTask: Sendable, Hashable {
    package var task: TaskID
    /// 0 for a window that is prefilled ahead of its lease.
    package var epoch: Epoch
    /// Rows before the first token can be sampled: lyric prefix, prime, new tokens that are journaled, and
    /// the row whose input is the last of these (the start row of an empty window). At least 1. Ahead of the lease, the
    /// rows of what is known of the prime.
    package var prefillRows: Int
    /// Tokens that the window appends in all.
    package var newTokens: Int
    /// How many of `newTokens` exist already, because another worker sampled them.
    package var done: Int
    /// Tokens of the longest chain from the window to its song's end.
    package var path: Int
    /// Ahead of its lease, whether all of its prime exists all the same: then it is sampled, and its chunks wait for the
    /// lease.
    package var hasWholePrime: Bool

    package init(
        task: TaskID, epoch: Epoch, prefillRows: Int, newTokens: Int, done: Int = 0, path: Int = 0,
        hasWholePrime: Bool = false
    ) {
        self.task = task
        self.epoch = epoch
        self.prefillRows = prefillRows
        self.newTokens = newTokens
        self.done = done
        self.path = path
        self.hasWholePrime = hasWholePrime
    }

    /// Whether it has no lease yet: one may follow, or more of the prime.
    package var isAhead: Bool { epoch == 0 }

    /// Whether tokens are drawn, and not only rows of the prime computed.
    var isSampled: Bool { !isAhead || hasWholePrime }
}

/// What the caller of the scheduler must do, in order.
package enum WorkerEffect: Sendable, Hashable {
    /// Send the chunk; it counts as sent from now on.
    case chunkReady(Chunk)
    /// The last token of the task is sampled; its slot is free.
    case finished(TaskID, epoch: Epoch, job: Int)
}

/// A task that cannot be taken on, and why.
package enum AdmissionError: Error, Sendable, Hashable, CustomStringConvertible {
    case noFreeSlot(TaskID, slots: Int)
    case unknownLevel(TaskID, levels: [Int])
    case badCounts(WorkerTask)

    package var description: String {
        switch self {
        case .noFreeSlot(let task, let slots): "no slot is free for \(task); all \(slots) are busy"
        case .unknownLevel(let task, let levels):
            "level \(task.level) of \(task) is not served here; levels \(levels) are"
        case .badCounts(let task):
            "\(task.task) has \(task.prefillRows) rows to prefill and \(task.done) of \(task.newTokens) new "
                + "tokens; there must be a row and a token to sample"
        }
    }
}

/// One forward pass of one level's model over some of its slots.
package struct Step: Sendable, Hashable {
    /// A slot with the task that it runs. Tokens for a task that left its slot meanwhile are dropped.
    package struct Seat: Sendable, Hashable {
        package var slot: Int
        package var task: TaskID
        /// The task's number in this scheduler: it keeps its caches, and so this, when the lease follows.
        package var job: Int
    }

    /// A run of rows of one slot. Rows from 0 on mean that the slot's cache starts anew.
    package struct Prefill: Sendable, Hashable {
        package var seat: Seat
        package var rows: Range<Int>
        /// The last of the task's rows is among them: a token is sampled from it.
        package var samples: Bool
    }

    package var level: Int = 0
    /// At most one a step, so that decoding never waits long.
    package var prefills: [Prefill] = []
    /// Slots that run one row, whose input is their last token, and sample the next.
    package var decodes: [Seat] = []

    /// No step yet: `BatchScheduler.next` fills it, and fills it again without allocating.
    package init() {}

    /// The seats that a token is sampled for, in the order in which `completed` wants the tokens.
    package var sampled: [Seat] { decodes + prefills.filter(\.samples).map(\.seat) }

    /// How many those are.
    var sampledCount: Int { decodes.count + prefills.count(where: \.samples) }
}
