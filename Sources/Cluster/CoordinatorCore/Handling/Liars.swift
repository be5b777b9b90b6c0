import SongPlan

/// Machines that were found to give wrong tokens.
extension Coordinator {
    /// A machine is found to give wrong tokens: it gets nothing any more, and all that nobody else witnessed of what it gave
    /// is sampled again.
    mutating func convict(_ machine: MachineID, _ reason: String) {
        guard truth.verdicts[machine] == nil else { return }
        commit(.verdict(machine, reason: reason))
        setAside(machine, reason: reason, isLiar: true)
        for worker in pool.workers.values.sorted(by: { $0.id < $1.id }) where worker.machine == machine {
            vacate(worker.id, .withdrawn)
        }
        for song in truth.songs where song.canLoseTokens { withdraw(machine, song.ref) }
        pool.suspend(disputants)
    }

    /// Two machines say different things of a window that one of them had brought: what lies from there on is sampled again
    /// on two machines, and where they disagree once more, a third one decides.
    mutating func compareAgain(_ stream: StreamRef, from place: Int, _ machines: [MachineID]) {
        let (song, task) = (truth[stream.song], truth[stream.song].task(stream))
        let lost = song.withdrawal(sample: task.stream.sample) { $0 == stream ? place : nil }
        withdraw(lost, task.stream.sample, of: stream.song)
        commit(.checkBegun(task))
        checks.streams.insert(stream)
        noteWithdrawal(
            of: stream.song,
            "machines \(machines.joined(separator: " and ")) say different things of \(task) from token \(place) on")
    }

    /// The operator has looked after a machine: what it says counts again, and in a dispute of it the other one is wrong.
    mutating func vouch(for machine: MachineID) {
        if truth.verdicts[machine] != nil { commit(.verdictLifted(machine)) }
        for stream in checks.streams.sorted() {
            guard !truth[stream.song].streams.isEmpty, let check = truth[stream].check else { continue }
            let outcome = check.outcome(from: truth[stream.song].end(stream))
            guard outcome.disputants.contains(machine) else { continue }
            for other in outcome.disputants.subtracting([machine]).sorted() {
                convict(other, "it gives other tokens than \(machine), which the operator vouches for")
            }
        }
        pool.suspend(disputants)
        for stream in checks.streams.sorted() { refresh(stream) }
    }

    /// Who lied before a restart gets nothing after it.
    mutating func reviveVerdicts() {
        for (machine, reason) in truth.verdicts.sorted(by: { $0.key < $1.key }) {
            setAside(machine, reason: reason, isLiar: true)
        }
    }

    private mutating func withdraw(_ machine: MachineID, _ ref: SongRef) {
        for stream in truth[ref].streamRefs where truth[stream].check != nil { refresh(stream) }
        var isChanged = false
        for sample in 0..<truth[ref].submission.samples {
            let lost = truth[ref].withdrawal(of: machine, sample: sample)
            guard !lost.streams.isEmpty else { continue }
            isChanged = true
            withdraw(lost, sample, of: ref)
        }
        if isChanged {
            noteWithdrawal(of: ref, "nobody compared what machine \(machine) gave, which gives wrong tokens")
        }
    }

    private mutating func withdraw(_ lost: Withdrawal, _ sample: Int, of ref: SongRef) {
        // From below: what a cut lays out goes before the cut.
        for (stream, place) in lost.streams.sorted(by: { $0.key < $1.key }) { withdraw(stream, from: place) }
        let id = truth[ref].id
        for seam in lost.cuts { commit(.cutDropped(id, sample: sample, seam: seam)) }
    }

    /// Tokens of a song were withdrawn: what was made of them goes, and the schedule looks at the song anew.
    private mutating func noteWithdrawal(of ref: SongRef, _ reason: String) {
        emit(.tokensWithdrawn(truth[ref].id, reason: reason))
        guard truth[ref].state == .sampling else { return }
        cuts.forget(ref)
        if memory.open.contains(ref) {
            for stream in truth[ref].streamRefs { refresh(stream) }
        } else {
            memory.stopWaiting(truth[ref])
            enqueue(ref)
        }
        askForCuts(ref)
    }

    private mutating func withdraw(_ stream: StreamRef, from place: Int) {
        endPrefill(stream)
        for lease in truth[stream].holders.leases {
            endLease(lease, .withdrawn)
            send(to: lease.worker, .revoke(lease.task, lease.epoch, reason: "\(LeaseEnding.withdrawn)"))
        }
        let id = truth[stream.song].id(stream)
        checks.streams.remove(stream)
        checks.alone[stream] = nil
        commit(.tokensDropped(id, from: place))
    }
}

extension Song {
    /// Whether its tokens are kept, and may be sampled again.
    var canLoseTokens: Bool {
        switch state {
        case .sampling, .decoding, .parked, .failed, .cancelled: !streams.isEmpty
        case .preparing, .finished: false
        }
    }
}
