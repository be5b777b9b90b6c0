import SongPlan

@testable import CoordinatorCore

// What the coordinator says to workers.
extension MockWorld {
    mutating func send(_ peer: Peer, _ message: Outgoing) throws {
        switch message {
        case .welcome: try require(admitted[peer] != nil, "a welcome for nobody")
        case .refused(let reason):
            refusedPeers[peer] = reason
            admitted[peer] = nil
        case .helloWanted, .drain: break
        case .revoke(let task, let epoch, _):
            guard epoch == 0 else { break }
            ahead[task] = nil
            announced[task] = nil
        case .announce(let assignment): try checkAnnounced(assignment, peer)
        case .prefill(let assignment): try checkAhead(assignment, peer)
        case .assignment(let assignment): try check(assignment, peer)
        case .acknowledged(let task, let epoch, let count):
            acknowledgements += 1
            let segment = try segment(task.stream)
            let first = segment.windows[task.window].new.lowerBound - segment.range.lowerBound
            try require(
                streams[task.stream, default: []].count >= first + count || claims[epoch] ?? 0 >= count,
                "\(count) tokens of \(task) are acknowledged before they are journaled")
        }
        toWorkers.append((peer, message))
    }

    private func checkSlots(_ worker: WorkerDescription) throws {
        let silence = coordinator.pool[worker.id].map { now - $0.lastHeard } ?? .zero
        try require(silence < settings.heartbeat * 2, "\(worker.id) gets a window after a silence of \(silence)")
        let machine = worker.machine ?? worker.id
        try require(!coordinator.machines.isSetAside(machine), "\(worker.id) gets a window and is set aside")
        let busy =
            (Array(leases.values) + copies.values).count { $0.worker == worker.id }
            + ahead.values.count { $0.worker == worker.id }
        try require(busy <= worker.slots, "\(worker.id) has \(busy) tasks in \(worker.slots) slots")
    }

    /// The window after one that another worker has, with the first part of its prime.
    private mutating func checkAhead(_ assignment: Assignment, _ peer: Peer) throws {
        let task = assignment.task
        guard let worker = admitted[peer] else { throw Violation("\(task) is begun at an unknown peer") }
        try require(assignment.epoch == 0, "\(task) is begun ahead with the epoch \(assignment.epoch)")
        let holder = leases[TaskID(stream: task.stream, window: task.window - 1)]?.worker
        try require(holder != nil && holder != worker.id, "\(task) is begun ahead beside \(holder ?? "nobody")")
        let segment = try segment(task.stream)
        let (window, start) = (segment.windows[task.window], segment.range.lowerBound)
        let codes = submissions[task.song]!.planInputs.geometry.levels[task.level].code(of:)
        let have = streams[task.stream, default: []].dropFirst(window.prime.lowerBound - start).map(codes)
        try require(assignment.tokens == have && have.count < window.prime.count, "\(task) is begun with wrong tokens")
        if let known = ahead[task], coordinator.pool[known.worker] != nil {
            try require(known.worker == worker.id && known.known < have.count, "\(task) is begun ahead twice")
        }
        ahead[task] = (worker.id, have.count)
        told.append(have.count)
        try checkSlots(worker)
    }

    /// The window after one that the worker has, whose prime it brings itself.
    private mutating func checkAnnounced(_ assignment: Assignment, _ peer: Peer) throws {
        let task = assignment.task
        guard let worker = admitted[peer] else { throw Violation("\(task) is announced to an unknown peer") }
        try require(worker.takesAnnouncements, "\(worker.id) knows nothing of announcements")
        try require(assignment.epoch == 0 && assignment.tokens.isEmpty, "\(task) is announced as if it were a lease")
        let before = TaskID(stream: task.stream, window: task.window - 1)
        try require(leases[before]?.worker == worker.id, "\(task) is announced to one that has not the window before")
        try require(ahead[task] == nil, "\(task) is announced and begun elsewhere")
        try require(!isStillAnnounced(task), "\(task) is announced twice")
        announced[task] = worker.id
    }

    /// Whether one was told of it who could be told otherwise, and was not.
    private func isStillAnnounced(_ task: TaskID) -> Bool {
        announced[task].flatMap { coordinator.pool[$0]?.peer } != nil
    }

    private mutating func check(_ assignment: Assignment, _ peer: Peer) throws {
        let task = assignment.task
        try require(!isStillAnnounced(task), "\(task) is given away, and \(announced[task] ?? "") was not told")
        guard let worker = admitted[peer] else { throw Violation("\(task) is assigned to an unknown peer") }
        let lease = lease(task, assignment.epoch)
        try require(lease != nil, "\(task) is assigned before its lease")
        try require(lease?.worker == worker.id, "\(task) is assigned to another than its lessee")
        try checkSlots(worker)
        try require(
            worker.fingerprints[task.level] == assignment.fingerprint, "\(worker.id) cannot do \(task)")
        guard let submission = submissions[task.song] else { throw Violation("no song of \(task)") }
        let segment = try segment(task.stream)
        let window = segment.windows[task.window]
        try require(window.range == assignment.window, "\(task) is another window")
        try require(assignment.prime == window.prime.count, "\(task) has a prime of \(assignment.prime)")
        func have(_ stream: StreamID, _ range: Range<Int>) throws -> ArraySlice<UInt16> {
            let start = try self.segment(stream).range.lowerBound
            let tokens = streams[stream, default: []]
            guard range.lowerBound >= start, range.upperBound <= start + tokens.count else {
                throw Violation("\(task) needs \(range) of \(stream), which is not there")
            }
            return tokens[range.lowerBound - start..<range.upperBound - start]
        }
        let end = segment.range.lowerBound + streams[task.stream, default: []].count
        // Its own new tokens as they were sampled; of all others the codes that they stand for.
        let shapes = submission.planInputs.geometry.levels
        let prime = try have(task.stream, window.prime).map(shapes[task.level].code(of:))
        let new = try have(task.stream, window.new.lowerBound..<end)
        try require(assignment.tokens == prime + new, "\(task) starts from wrong tokens")
        let isPure = try [(task.stream, window.prime)].allSatisfy { stream, range in
            try Array(have(stream, range)) == tokens(stream, range)
        }
        if !isPure { tainted.insert(assignment.epoch) }
        if let above = window.above {
            let (plan, level) = (try plan(task.song, task.sample), task.level + 1)
            let ratio = plan.geometry.lengthUnit / shapes[level].samplesPerToken
            // In an overlap it is the cut that decides, for both renditions alike.
            let wanted = try above.map { place in
                let isWhole = plan.levels[level].segments.count == 1
                let segment = isWhole ? 0 : plan.cuts.count { $0 * ratio <= place }
                let upper = StreamID(song: task.song, sample: task.sample, level: level, segment: segment)
                return shapes[level].code(of: try have(upper, place..<place + 1)[...].first!)
            }
            try require(wanted == assignment.above, "\(task) has a wrong slice")
            let isWhole = plan.levels[level].segments.count == 1
            let pure = above.map { place in
                let segment = isWhole ? 0 : plan.cuts.count { $0 * ratio <= place }
                return token(StreamID(song: task.song, sample: task.sample, level: level, segment: segment), place)
            }
            if wanted != pure.map(shapes[level].code(of:)) { tainted.insert(assignment.epoch) }
        } else {
            try require(assignment.above.isEmpty, "\(task) is of the top level and has a slice above")
        }
    }
}
