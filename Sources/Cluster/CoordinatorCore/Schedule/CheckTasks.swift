import SongPlan

/// Where machines say different things of a window, a third one decides: at once, and even one that has nothing else for now
/// because of another such window, for otherwise all might wait for each other.
enum Decisions {
    @Sendable static func moves(_ view: ClusterView) -> [Move] {
        for stream in view.memory.disputed.sorted() {
            guard let entry = view.memory.ready.task(of: stream), entry.isDisputed else { continue }
            let excluded = view.excludedMachines(stream)
            let skill = view.truth[stream.song].skill(stream)
            if let worker = view.pool.anyFree(for: skill, besides: excluded) {
                return [.grant(entry, to: worker, isProvisional: false, moving: nil)]
            }
        }
        return []
    }
}

extension ClusterView {
    /// The task of a stream whose window is checked: another machine's turn, unless two are at it, or one, and what another
    /// has brought is still ahead of it.
    func checkTask(_ stream: StreamRef, _ check: WindowCheck) -> ReadyTask? {
        let song = truth[stream.song]
        let end = song.end(stream)
        let holding = Set(song[stream].holders.leases.map { song.machine(of: $0.worker) })
        let isDisputed = !check.outcome(from: end).disputants.isEmpty
        let wanted: Bool
        switch song[stream].holders {
        case .none: wanted = true
        case .one: wanted = !isDisputed && check.speakers(beyond: end).isSubset(of: holding)
        case .two: wanted = false
        }
        guard wanted else { return nil }
        return ReadyTask(
            path: song.path(stream), isCopy: false, isSuspect: false, task: song.task(stream), stream: stream,
            isCheck: true, isDisputed: isDisputed)
    }

    /// Machines that may not have the window of a stream that is checked: they have it, or have said enough of it.
    func excludedMachines(_ stream: StreamRef) -> Set<MachineID> {
        let song = truth[stream.song]
        guard let check = song[stream].check else { return [] }
        return Set(song[stream].holders.leases.map { song.machine(of: $0.worker) })
            .union(check.speakers(beyond: song.end(stream)))
    }

    /// Whether a window's worker should not be the only one that samples it, and another machine could.
    func isToBeChecked(_ task: TaskID, by worker: WorkerID, _ stream: StreamRef, firsts: Set<MachineLevel>) -> Bool {
        guard settings.verifyShare > 0, truth[stream].check == nil, truth[stream].holders.isEmpty else { return false }
        let (skill, machine) = (truth[stream.song].skill(stream), pool.machine(of: worker))
        let isChosen = TaskLot.draw(task, secret: settings.verifySecret) < settings.verifyShare
        guard isChosen || !firsts.contains(MachineLevel(machine: machine, level: task.level)) else { return false }
        return pool.hasMachine(for: skill, besides: [machine])
    }
}

/// A machine and a level that it serves.
struct MachineLevel: Sendable, Hashable {
    let machine: MachineID
    let level: Int
}

/// Which windows are checked: nobody can tell who does not know the coordinator's secret.
enum TaskLot {
    /// 0 ..< 1.
    static func draw(_ task: TaskID, secret: UInt64) -> Double {
        var hash = secret ^ 0x9E37_79B9_7F4A_7C15
        func mix(_ value: UInt64) {
            hash = (hash ^ value) &* 0xBF58_476D_1CE4_E5B9
            hash ^= hash >> 27
            hash = hash &* 0x94D0_49BB_1331_11EB
            hash ^= hash >> 31
        }
        for byte in task.song.utf8 { mix(UInt64(byte) &+ secret) }
        for part in [task.sample, task.level, task.segment, task.window] { mix(UInt64(truncatingIfNeeded: part) &+ 1) }
        mix(secret)
        return Double(hash >> 11) / Double(1 << 53)
    }
}
