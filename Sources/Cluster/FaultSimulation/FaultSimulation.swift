/// Simulates a whole cluster with faults, as a seed has it.
package enum FaultSimulation {
    /// What came of one seed.
    package struct Result: Sendable {
        package var seed: UInt64
        /// The rule that was broken; nil when all were kept.
        package var violation: Violation?
        /// Of virtual time.
        package var seconds = 0.0
        package var events = 0
        package var songs = 0
        /// Faults that struck something, by kind.
        package var fired: [Fault.Kind: Int] = [:]
        /// What links did to messages.
        package var messages = MessageCounts()
        /// What the disk did.
        package var disk = DiskCounts()
        /// The same in two runs of a seed, whatever the process.
        package var digest: UInt64 = 0
        /// Faults that came, or were to come, in their order.
        package var planned: [FaultSchedule.Entry] = []

        package var faults: Int { fired.values.reduce(0, +) }
    }

    package struct MessageCounts: Sendable, Hashable {
        package var sent = 0
        package var dropped = 0
        package var duplicated = 0
        package var delayed = 0
        package var changed = 0
        package var blocked = 0
    }

    package struct DiskCounts: Sendable, Hashable {
        package var writes = 0
        package var syncs = 0
        package var refused = 0
        package var lostAtPowerCuts = 0
        package var tornAtPowerCuts = 0
    }

    /// Runs one seed.
    ///
    /// - Parameters:
    ///   - faults: how many are to strike.
    ///   - print: is given a line for everything that happens.
    /// - Throws: `SimulationError` when a simulation cannot be made here; broken rules are in the result.
    package static func run(
        seed: UInt64, faults: Int, print: ((String) -> Void)? = nil
    ) throws -> Result {
        let cluster = try SimulatedCluster(seed: seed, faults: faults, print: print)
        var result = Result(seed: seed)
        do {
            try cluster.run()
        } catch let violation as Violation {
            result.violation = violation
        } catch {
            result.violation = Violation(.process, "\(error)")
        }
        cluster.close()
        result.seconds = cluster.clock.seconds
        (result.events, result.songs, result.fired) = (cluster.events, cluster.client.count, cluster.fired)
        result.planned = cluster.schedule.entries
        let (sent, disk) = (cluster.network.counts, cluster.disk.counts)
        result.messages = MessageCounts(
            sent: sent.messages, dropped: sent.dropped, duplicated: sent.duplicated, delayed: sent.delayed,
            changed: sent.flipped, blocked: sent.blocked)
        result.disk = DiskCounts(
            writes: disk.writes, syncs: disk.syncs, refused: disk.refusedFull + disk.refusedError,
            lostAtPowerCuts: disk.lost, tornAtPowerCuts: disk.torn)
        result.digest = cluster.trace.digest
        return result
    }
}
