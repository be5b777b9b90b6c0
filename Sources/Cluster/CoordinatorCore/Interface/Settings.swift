/// The figures that the coordinator's rules use.
package struct Settings: Sendable, Hashable {
    /// A worker that is silent for this long loses its leases.
    package var lease: Duration
    /// How often workers are asked to send a heartbeat.
    package var heartbeat: Duration
    /// A worker that is silent for so long has missed two heartbeats: it gets nothing until it is heard.
    var patience: Duration { heartbeat * 2 }
    /// New tokens in a full chunk. Smaller ones are accepted, larger ones are the sender's fault.
    package var chunk: Int
    /// A window that fails on this many machines that work otherwise parks its song.
    package var machinesToPark: Int
    /// How often stragglers are looked for.
    package var stragglerCheck: Duration
    /// A copy of a running task is made where it would be done this many times sooner.
    package var copyGain: Double
    /// Rows of prefill that a worker computes in the time of one token; nil when that is to be measured.
    package var prefillGain: Double?
    /// The share of windows that two machines sample.
    package var verifyShare = 0.0
    /// What decides which: chance that nobody else knows.
    package var verifySecret: UInt64 = 0
    /// How long such a window waits for another machine where there is none.
    package var verifyPatience: Duration = .seconds(30)

    package init(
        lease: Duration = .seconds(5), heartbeat: Duration = .seconds(1), chunk: Int = 128,
        machinesToPark: Int = 3, stragglerCheck: Duration = .seconds(1), copyGain: Double = 1.5,
        prefillGain: Double? = nil
    ) {
        self.lease = lease
        self.heartbeat = heartbeat
        self.chunk = chunk
        self.machinesToPark = machinesToPark
        self.stragglerCheck = stragglerCheck
        self.copyGain = copyGain
        self.prefillGain = prefillGain
    }
}
