import SongPlan

/// A task that a worker has, as the journal says it.
struct Lease: Sendable, Hashable {
    let task: TaskID
    let epoch: Epoch
    let worker: WorkerID
    /// New tokens of the window that the worker has and that are journaled: those that were there, and what it brought.
    /// Of a window that is compared, those that were there.
    private(set) var reached = 0

    init(task: TaskID, epoch: Epoch, worker: WorkerID, reached: Int) {
        (self.task, self.epoch, self.worker, self.reached) = (task, epoch, worker, reached)
    }

    fileprivate mutating func reach(_ count: Int) { reached = count }
}

/// Who has a stream's window.
enum Holders: Sendable, Hashable {
    case none
    case one(Lease)
    /// A straggler's task, and the copy of it that another worker has, which came later.
    case two(Lease, copy: Lease)

    /// In the order in which they were granted.
    var leases: [Lease] {
        switch self {
        case .none: []
        case .one(let lease): [lease]
        case .two(let lease, let copy): [lease, copy]
        }
    }

    /// The holder of a window that nobody else has.
    var sole: Lease? { if case .one(let lease) = self { lease } else { nil } }

    var isEmpty: Bool { self == .none }

    func lease(of epoch: Epoch) -> Lease? { leases.first { $0.epoch == epoch } }

    /// The lease that was granted last.
    var latest: Lease? { leases.last }

    /// One more holder.
    ///
    /// - Returns: the holder that had to go, of three: no coordinator grants that, but a journal is read as it is.
    mutating func add(_ lease: Lease) -> Lease? {
        switch self {
        case .none: self = .one(lease)
        case .one(let first): self = .two(first, copy: lease)
        case .two(let first, let copy):
            self = .two(copy, copy: lease)
            return first
        }
        return nil
    }

    /// The holder with an epoch has brought all that there is.
    mutating func reach(_ count: Int, _ epoch: Epoch) {
        switch self {
        case .one(var lease) where lease.epoch == epoch:
            lease.reach(count)
            self = .one(lease)
        case .two(var lease, let copy) where lease.epoch == epoch:
            lease.reach(count)
            self = .two(lease, copy: copy)
        case .two(let lease, var copy) where copy.epoch == epoch:
            copy.reach(count)
            self = .two(lease, copy: copy)
        case .none, .one, .two: break
        }
    }

    /// The lease of an epoch ends, if there is one.
    mutating func remove(_ epoch: Epoch) -> Lease? {
        guard let gone = lease(of: epoch) else { return nil }
        self = leases.first { $0.epoch != epoch }.map { .one($0) } ?? .none
        return gone
    }
}
