import SongPlan

/// Replays what a coordinator journals while it runs, to compare the two: for tests and simulations.
package struct ReplayAudit: Sendable {
    private var truth = SongTable()

    package init() {}

    /// Goes on from what a coordinator knows after a start.
    package init(of coordinator: Coordinator) { truth = coordinator.truth }

    /// Takes in what was journaled, in its order.
    package mutating func add(_ record: Record) { _ = truth.apply(record) }

    /// What a coordinator knows other than by its records, or keeps in an index that does not follow from them; empty
    /// when all is well. Looks at everything, so it takes its time.
    package func faults(of coordinator: Coordinator) -> [String] {
        (truth == coordinator.truth ? [] : ["what it knows of songs is not what its records say"])
            + coordinator.indexFaults
    }
}

extension Coordinator {
    /// What of its indices differs from what truth implies.
    fileprivate var indexFaults: [String] {
        var faults = readyFaults + songFaults
        let leases = truth.songs.flatMap(\.streams).flatMap(\.holders.leases)
        if self.leases.epochs != Set(leases.map(\.epoch)) { faults.append("progress is kept of other leases") }
        var tasks: [WorkerID: [TaskID]] = [:]
        for lease in leases { tasks[lease.worker, default: []].append(lease.task) }
        for ahead in memory.ahead.values { tasks[ahead.worker, default: []].append(ahead.task) }
        return faults + pool.faults(tasks: tasks)
    }

    private var songFaults: [String] {
        truth.songs.flatMap { song -> [String] in
            var faults: [String] = []
            let leases = song.streams.flatMap(\.holders.leases)
            if song.running != leases.count { faults.append("\(song.id) counts \(song.running) leases") }
            let share = leases.reduce(0) { $0 + self.leases[$1].share }
            if memory.shares[song.ref] ?? 0 != share { faults.append("\(song.id) has another share than \(share)") }
            let places = (memory.open.contains(song.ref), memory.waiting.key(of: song.ref) != nil)
            if places.0 == places.1 && song.state == .sampling || song.state != .sampling && (places.0 || places.1) {
                faults.append("\(song.id), which is \(song.state), is open: \(places.0), waiting: \(places.1)")
            }
            if places.1, memory.waiting.key(of: song.ref) != view().wantedSkills(song) {
                faults.append("\(song.id) waits for something else than it needs")
            }
            return faults
        }
    }

    private var readyFaults: [String] {
        var faults: [String] = []
        var count = 0
        for stream in truth.songs.flatMap(\.streamRefs) {
            let wanted = view().readyTask(stream)
            count += wanted == nil ? 0 : 1
            if memory.ready.task(of: stream) != wanted {
                faults.append(
                    "ready of \(truth[stream.song].id(stream)) is \(String(describing: memory.ready.task(of: stream))), and should be \(String(describing: wanted))"
                )
            }
        }
        if memory.ready.count != count { faults.append("the ready index has \(memory.ready.count) of \(count) tasks") }
        let strange = memory.straggling.filter { truth[$0.song].state != .sampling || truth[$0].holders.isEmpty }
        if !strange.isEmpty { faults.append("stragglers without a lease: \(strange)") }
        let lost = memory.ahead.keys.filter { truth[$0.song].state.isAtRest || truth[$0].holders.sole == nil }
        if !lost.isEmpty { faults.append("windows are begun ahead of nothing: \(lost)") }
        return faults
    }
}
