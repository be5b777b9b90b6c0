import SongPlan

/// A task as long as anything of it is not journaled.
struct Job: Sendable {
    private(set) var work: WorkerTask
    /// Never used again for another task.
    let number: Int
    /// nil when all tokens are sampled.
    var slot: Int?
    /// The first row that has not run.
    var row = 0
    /// New tokens that exist, those of other workers included.
    var sampled: Int
    var acknowledged: Int
    /// Tokens that are not in a chunk yet.
    var loose: [UInt16] = []
    /// Chunks that are not acknowledged, in order; the first `sent` of them are on their way.
    var chunks: [Chunk] = []
    var sent = 0
    /// What was acknowledged when it was looked at last while chunks were on their way.
    var looked: Int?

    init(_ work: WorkerTask, number: Int, slot: Int) {
        self.work = work
        self.number = number
        self.slot = slot
        sampled = work.done
        acknowledged = work.done
    }

    /// More of the prime exists, or all of it and the lease: the rows that have run stay.
    mutating func goOn(_ work: WorkerTask) {
        self.work = work
        sampled = work.done
        acknowledged = work.done
    }

    /// The lease of what was begun with all of its prime: what was sampled stays, and its chunks may go out.
    mutating func takeLease(_ work: WorkerTask) {
        self.work = work
        for place in chunks.indices { chunks[place].epoch = work.epoch }
    }

    var isPrefilling: Bool { row < work.prefillRows }
    var isSampled: Bool { sampled == work.newTokens }
    var held: HeldLease { HeldLease(task: work.task, epoch: work.epoch, acknowledged: acknowledged) }

    mutating func append(_ token: UInt16, chunkSize: Int) {
        if loose.isEmpty { loose.reserveCapacity(chunkSize) }
        loose.append(token)
        sampled += 1
        if loose.count == chunkSize || isSampled { handIn() }
    }

    /// Tokens that are in no chunk become one.
    mutating func handIn() {
        guard !loose.isEmpty else { return }
        chunks.append(
            Chunk(
                task: work.task, epoch: work.epoch, start: sampled - loose.count, tokens: loose))
        loose = []
    }

    /// Lets go of what is journaled: `count` of the window's new tokens.
    mutating func acknowledge(_ count: Int) {
        guard count > acknowledged, count <= sampled - loose.count else { return }
        acknowledged = count
        while let first = chunks.first, first.start < count {
            let rest = first.start + first.tokens.count - count
            if rest > 0 {
                chunks[0].tokens = Array(first.tokens.suffix(rest))
                chunks[0].start = count
                break
            }
            chunks.removeFirst()
            sent = max(0, sent - 1)
        }
    }
}
