package import SongPlan

/// What a machine's supervisor tells of the engine that it ran, which is dead.
package struct DeathReport: Sendable, Hashable {
    /// How it ended.
    package enum Ending: Sendable, Hashable {
        case signal(Int)
        case exit(code: Int)
        /// It ended no step for so many seconds.
        case hung(seconds: Int)
    }
    /// A window that was in the step that ran.
    package struct Window: Sendable, Hashable {
        package var task: TaskID
        package var epoch: Epoch
        package init(task: TaskID, epoch: Epoch) { (self.task, self.epoch) = (task, epoch) }
    }
    package var worker: WorkerID
    package var machine: MachineID
    /// For people.
    package var name: String
    package var ending: Ending
    package var windows: [Window]
    /// Whether the worker had one window, and no other.
    package var wasAlone: Bool

    package init(
        worker: WorkerID, machine: MachineID, name: String, ending: Ending, windows: [Window], wasAlone: Bool
    ) {
        (self.worker, self.machine, self.name, self.ending) = (worker, machine, name, ending)
        (self.windows, self.wasAlone) = (windows, wasAlone && windows.count == 1)
    }
}

extension DeathReport.Ending: CustomStringConvertible {
    /// Whether that is what a window can do to an engine: nobody else sends these signals. A SIGKILL is the kernel's, which
    /// needs memory, or somebody's who takes the machine.
    var accusesWindows: Bool {
        switch self {
        case .signal(let number): Self.crashes[number] != nil
        case .exit, .hung: false
        }
    }

    private static let crashes = [
        4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV",
    ]
    private static let others = [1: "SIGHUP", 2: "SIGINT", 9: "SIGKILL", 15: "SIGTERM"]

    package var description: String {
        switch self {
        case .signal(let number): Self.crashes[number] ?? Self.others[number] ?? "signal \(number)"
        case .exit(let code): "exit code \(code)"
        case .hung(let seconds): "no step ended in \(seconds) s"
        }
    }
}

/// A lease that ended before anybody told why.
struct LostLease: Sendable {
    let lease: Lease
    /// New tokens of its window that were journaled then.
    let journaled: Int
    let at: Instant
}

/// What is held against machines and windows, and what follows.
extension Coordinator {
    // MARK: Deaths

    /// An engine died, and its supervisor says how.
    mutating func workerDied(_ report: DeathReport) {
        let what = "the engine on \(report.name) ended: \(report.ending)"
        var failed: [TaskID] = []
        if report.ending.accusesWindows {
            for window in report.windows {
                failed.append(window.task)
                accuse(window, report)
            }
        }
        machineFailed(report.machine, name: report.name, with: failed, what)
        dismiss(report.worker, .died)
    }

    private mutating func accuse(_ window: DeathReport.Window, _ report: DeathReport) {
        let blame = Blame.crashed("\(report.ending)", isAlone: report.wasAlone)
        if let lease = truth.lease(window.task, of: report.worker), lease.epoch == window.epoch {
            return endLease(lease, .crashed("\(report.ending)"), blame: blame, machine: report.machine)
        }
        // The connection broke before the report came.
        guard let lost = lostLeases.removeValue(forKey: window.epoch), lost.lease.task == window.task,
            lost.lease.worker == report.worker, let stream = truth.live(window.task.stream),
            truth[stream].window == window.task.window, truth[stream.song].journaled(stream) == lost.journaled
        else { return }
        commit(.workerBlamed(window.task, report.worker, blame, machine: report.machine))
        if !judge(stream, window.task) { refresh(stream) }
    }

    /// A lease ended with its worker, which may still be heard of.
    mutating func remember(lost lease: Lease) {
        guard let stream = truth.live(lease.task.stream), lostLeases.count < 10_000 else { return }
        lostLeases[lease.epoch] = LostLease(
            lease: lease, journaled: truth[stream.song].journaled(stream), at: now)
    }

    // MARK: Machines

    /// The machine of a worker; of one that is gone, its own name.
    func machine(of worker: WorkerID) -> MachineID { pool[worker]?.machine ?? worker }

    private func name(of worker: WorkerID) -> String { pool[worker]?.description.name ?? worker }

    /// A machine could not do what it was given.
    mutating func machineFailed(_ machine: MachineID, name: String, with tasks: [TaskID], _ reason: String) {
        if machines.failed(machine, name: name, with: tasks, reason, now: now) { followSetAside(machine) }
    }

    /// A worker vanished with windows in hand.
    mutating func machineLost(_ worker: Worker) {
        let hasOthers = pool.connected.contains {
            $0.machine != worker.machine && !machines.isSetAside($0.machine)
        }
        let name = worker.description.name
        if machines.lost(worker.machine, name: name, hasOthers: hasOthers, now: now) { followSetAside(worker.machine) }
    }

    /// Tokens of a window that a worker brought were accepted.
    mutating func machineBrought(_ worker: WorkerID, _ task: TaskID) {
        let machine = machine(of: worker)
        guard machines.brought(machine, name: name(of: worker), task) else { return }
        followSetAside(machine)
        // What it failed at says more now.
        for stream in accused.sorted() where !truth[stream.song].state.isAtRest {
            _ = judge(stream, truth[stream.song].task(stream))
        }
    }

    /// Sets a machine aside: until somebody releases it when it lies, for a growing pause otherwise. Its leases go on;
    /// whoever knows that they are worth nothing ends them.
    package mutating func setAside(_ machine: MachineID, reason: String, isLiar: Bool) {
        let name = pool.workers.values.filter { $0.machine == machine }.map(\.description.name).min()
        machines.setAside(
            machine, name: name ?? String(machine.suffix(16)), reason: reason, isLiar: isLiar, now: now)
        followSetAside(machine)
    }

    /// A machine gets windows again, with nothing held against it.
    mutating func releaseMachine(_ machine: MachineID) {
        if machines.release(machine) { followSetAside(machine) }
        vouch(for: machine)
    }

    /// Its workers' slots are there, or not.
    private mutating func followSetAside(_ machine: MachineID) {
        let isAside = machines.isSetAside(machine)
        for id in pool.setAside(machine, isAside) where isAside { endPrefills(by: id) }
    }

    /// Pauses that are over, and reports that will not come any more.
    mutating func passTime() {
        if !machines.isEmpty {
            for machine in machines.expire(now) { followSetAside(machine) }
            let connected = pool.connected
            if !connected.isEmpty, connected.allSatisfy({ machines.isSetAside($0.machine) }) {
                for machine in machines.freeVanishing() { followSetAside(machine) }
            }
        }
        if !lostLeases.isEmpty {
            let (instant, patience) = (now, max(.seconds(60), settings.lease * 4))
            lostLeases = lostLeases.filter { instant - $0.value.at < patience }
        }
    }

    // MARK: Windows

    /// Looks at what is held against the window that a stream is at: its song is parked when the window failed on enough
    /// machines that work otherwise; until then there is a pause before a machine gets it a second time.
    ///
    /// - Returns: whether the song was parked.
    mutating func judge(_ stream: StreamRef, _ task: TaskID) -> Bool {
        let charges = truth[stream].blames.filter(\.blame.isEvidence)
        guard let last = charges.last, task == truth[stream.song].task(stream) else {
            accused.remove(stream)
            memory.setTry(stream, nil)
            return false
        }
        accused.insert(stream)
        let witnesses = Set(charges.map(\.machine)).filter { machines.works($0, beside: task) }.sorted()
        guard witnesses.count >= settings.machinesToPark else {
            let pause = min(Self.longestTryPause, Self.firstTryPause * (1 << min(charges.count - 1, 20)))
            let known = memory.tries[stream]
            if known?.charges != charges.count {
                memory.setTry(stream, WindowTry(charges: charges.count, next: now + pause, reason: "\(last.blame)"))
            }
            return false
        }
        let names = witnesses.map(machines.name).joined(separator: ", ")
        let reason =
            "\(task) failed on \(witnesses.count) machines that work otherwise (\(names)); the last reason: \(last.blame)"
        accused.remove(stream)
        end(stream.song, .parked(reason: reason))
        return true
    }

    private static let (firstTryPause, longestTryPause) = (Duration.seconds(10), Duration.seconds(600))
}
