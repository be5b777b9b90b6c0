import SongPlan

/// What a rule may look at, and nothing that it could change.
struct ClusterView: Sendable {
    let truth: SongTable
    let pool: WorkerPool
    let leases: LeaseBook
    let memory: ScheduleMemory
    let settings: Settings
    let now: Instant
    /// Streams that have more tokens or another lease since the rules last looked.
    let grown: [StreamRef]
    /// What is expected, as of the last check.
    private(set) var outlook: Outlook

    init(
        truth: SongTable, pool: WorkerPool, leases: LeaseBook, memory: ScheduleMemory, settings: Settings,
        now: Instant, grown: [StreamRef]
    ) {
        (self.truth, self.pool, self.leases, self.memory) = (truth, pool, leases, memory)
        (self.settings, self.now, self.grown) = (settings, now, grown)
        outlook = memory.outlook
    }

    /// The same with another outlook.
    func expecting(_ outlook: Outlook) -> ClusterView {
        var view = self
        view.outlook = outlook
        return view
    }

    /// The streams whose window only one worker has.
    var soleLeases: [(lease: Lease, stream: StreamRef)] {
        truth.songs.filter { $0.running > 0 }.flatMap { song in
            song.streamRefs.compactMap { stream in song[stream].holders.sole.map { ($0, stream) } }
        }
    }
}

/// What a rule wants to be done.
enum Move: Sendable {
    /// The song's tasks may be handed out.
    case open(SongRef)
    /// A worker gets a task, as the only one or as a copy.
    ///
    /// `isProvisional`: until a faster worker is free. `moving`: a holder that loses the task to the worker.
    case grant(ReadyTask, to: WorkerID, isProvisional: Bool, moving: Lease?)
    /// A worker is told to prefill the next window of a stream as far as `known` tokens of its prime.
    case prefill(StreamRef, TaskID, by: WorkerID, known: Int)
    /// The worker that has a stream's window is told the next one.
    case announce(StreamRef, TaskID, to: WorkerID)
    /// A worker gives all its windows back: one that may have crashed an engine is to run there alone.
    case vacate(WorkerID)
    /// The next window of a stream is not prefilled ahead any more.
    case endPrefill(StreamRef)
    /// The next window of the stream should be begun as soon as a slot is free for it; nil for none.
    case awaitSlot(StreamRef?)
    /// A check has found what is to be expected.
    case expect(Outlook)
    /// A straggler has the stream's window, or not any more.
    case straggle(StreamRef, Bool)
    /// No copy is worth a free slot as fast as these.
    case decline([Skill: Double])
}

/// A rule: from what is to what should be done. Rules do not call each other; what one needs of another is in the memory.
typealias Rule = @Sendable (ClusterView) -> [Move]
