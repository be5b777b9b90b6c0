import CoordinatorCore
import SongPlan

/// A worker of a simulated cluster: it keeps the protocol, and its tokens are zeros that take their time.
struct VirtualWorker {
    struct Job {
        var task: TaskID
        var epoch: Epoch
        /// New tokens of the window, and those that were sent or were there.
        var total: Int
        var sent: Int
        /// Until the next chunk is complete, in tokens; prefill counts as some.
        var left: Double
        /// How much a token of the level costs, in tokens of the plainest.
        var cost: Double
        /// Place in the result's list of leases.
        var entry: Int

        func nextChunk(_ chunk: Int) -> Int { min(chunk, total - sent) }
    }

    /// A window that is prefilled ahead of its lease: what was asked for, and what is left of that, in tokens.
    struct Ahead {
        var task: TaskID
        var asked: Double
        var left: Double
    }

    let specification: WorkerSpecification
    var jobs: [Job] = []
    var ahead: [Ahead] = []
    /// Until when `jobs` are accounted for.
    var time = Instant(nanoseconds: 0)
    /// Changes with every change of what runs, so that events of before are known.
    var version = 0
    /// Seconds in which slots were busy, all added up and weighted by their share of the worker.
    var busy = 0.0

    /// Lets time pass.
    mutating func advance(to now: Instant) {
        let seconds = (now - time) / .seconds(1)
        time = now
        guard seconds > 0, running > 0 else { return }
        let speed = specification.speedOfSlot(busy: running)
        busy += seconds * speed * Double(running) / specification.tokensPerSecond
        for place in jobs.indices { jobs[place].left -= seconds * speed }
        for place in ahead.indices { ahead[place].left -= seconds * speed }
    }

    /// Slots that have something to do; a window that waits for the rest of its prime has not.
    private var running: Int { jobs.count + ahead.count { $0.left > 0 } }

    /// When the next chunk is complete, or a prefill ahead.
    var nextChunk: Instant? {
        guard let left = (jobs.map(\.left) + ahead.map(\.left).filter { $0 > 0 }).min() else { return nil }
        let seconds = max(0, left) / specification.speedOfSlot(busy: running)
        return time + .nanoseconds(Int64((seconds * 1e9).rounded(.up)))
    }

    /// A window is to be prefilled as far as `rows`, in tokens.
    mutating func prefill(_ task: TaskID, rows: Double) {
        guard let place = ahead.firstIndex(where: { $0.task == task }) else {
            return ahead.append(Ahead(task: task, asked: rows, left: rows))
        }
        ahead[place].left = max(0, ahead[place].left) + rows - ahead[place].asked
        ahead[place].asked = rows
    }

    /// What is left of a prefill of `rows` now that the lease is there.
    mutating func rowsLeft(_ task: TaskID, of rows: Double) -> Double {
        guard let place = ahead.firstIndex(where: { $0.task == task }) else { return rows }
        let begun = ahead.remove(at: place)
        return max(0, begun.left) + rows - begun.asked
    }
}
