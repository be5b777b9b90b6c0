package import SongPlan

/// A worker's durable name: the same over reconnects.
package typealias WorkerID = String

/// One connection, as the transport names it; opaque here.
package struct Peer: Sendable, Hashable {
    package var bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// What a worker says of itself in its HELLO.
package struct WorkerDescription: Sendable, Hashable {
    package var id: WorkerID
    /// For people: host and process.
    package var name: String
    /// The name of its model, for people.
    package var model: String
    /// By level that it can sample: hash of weights, geometry and numeric profile.
    package var fingerprints: [Int: String]
    /// Windows that it runs at the same time.
    package var slots: Int
    /// Measured, of all slots together; not above 0 when unknown.
    package var tokensPerSecond: Double
    package var held: [HeldLease]
    /// The durable name of its machine; nil when it says none.
    package var machine: MachineID?
    /// Whether it can be told its next window before the last one ends.
    package var takesAnnouncements: Bool
    /// It will say goodbye soon.
    package var isLeaving: Bool
    /// A coordinator told it that it gets no windows.
    package var isDrained: Bool

    package init(
        id: WorkerID, name: String, model: String, fingerprints: [Int: String], slots: Int,
        tokensPerSecond: Double = 0, held: [HeldLease] = [], machine: MachineID? = nil,
        takesAnnouncements: Bool = false, isLeaving: Bool = false, isDrained: Bool = false
    ) {
        self.takesAnnouncements = takesAnnouncements
        self.machine = machine
        (self.isLeaving, self.isDrained) = (isLeaving, isDrained)
        self.id = id
        self.name = name
        self.model = model
        self.fingerprints = fingerprints
        self.slots = slots
        self.tokensPerSecond = tokensPerSecond
        self.held = held
    }
}

/// Everything that can happen to a coordinator.
package enum Event: Sendable, Hashable {
    /// A client hands a song in. The same submission again changes nothing.
    ///
    /// `plan` is what the submission's inputs give, where the caller has made it already.
    case submit(Submission, plan: Plan? = nil)
    /// A model that this coordinator serves; workers whose levels are not all of one known model are refused.
    case allowModel(name: String, fingerprints: [Int: String])
    /// The known tokens of a song that awaits them, by sample, then level.
    case initialTokens(SongID, [[[UInt16]]])
    case preparationFailed(SongID, reason: String)
    case workerHello(Peer, WorkerDescription)
    /// - Parameters:
    ///   - levelSpeeds: by level, new tokens in a second of the worker's time that the level had.
    ///   - roundTrip: seconds from a chunk to its acknowledgement.
    ///   - isLeaving: it will say goodbye soon.
    case heartbeat(
        Peer, held: [HeldLease], tokensPerSecond: Double, levelSpeeds: [Int: Double] = [:], roundTrip: Double = 0,
        isLeaving: Bool = false)
    case chunk(Peer, Chunk)
    case taskFailed(Peer, TaskID, Epoch, reason: String)
    /// The worker leaves of its own will.
    case goodbye(Peer)
    /// A machine's supervisor tells that its engine is dead.
    case workerDied(Peer, DeathReport)
    /// A machine that is set aside is to get windows again.
    case releaseMachine(MachineID)
    /// Workers are to get no windows from now on, or to get them again. They keep those that they have.
    case drain([WorkerID], Bool)
    /// The transport could not reach the peer.
    case peerLost(Peer)
    /// The answer to `chooseCut`: a position in top-level tokens, within the cut's room.
    case cutChosen(SongID, sample: Int, seam: Int, position: Int)
    case cancel(SongID)
    /// Nothing is to be left of a song; one that runs is cancelled first.
    case remove(SongID)
    /// Nothing can be journaled: from now on nothing is granted, no chunk is taken and nobody expires.
    case pause(reason: String)
    /// The reason for the pause is gone.
    case proceed
    /// A song that is parked, failed or cancelled is to go on; the others do not mind.
    case resume(SongID)
    /// A user calls a song something else, or keeps something else beside it.
    case note(SongID, SongNote)
    /// The song's audio and codes are on disk.
    case outputsWritten(SongID)
    case outputsFailed(SongID, reason: String)
    /// Time has passed; expected several times a second. Leases expire only here.
    case tick
}
