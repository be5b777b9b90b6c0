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

    let specification: WorkerSpecification
    var jobs: [Job] = []
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
        guard seconds > 0, !jobs.isEmpty else { return }
        let speed = specification.speedOfSlot(busy: jobs.count)
        for place in jobs.indices { jobs[place].left -= seconds * speed }
        busy += seconds * speed * Double(jobs.count) / specification.tokensPerSecond
    }

    /// When the next chunk is complete.
    var nextChunk: Instant? {
        guard let left = jobs.map(\.left).min() else { return nil }
        let seconds = max(0, left) / specification.speedOfSlot(busy: jobs.count)
        return time + .nanoseconds(Int64((seconds * 1e9).rounded(.up)))
    }
}
