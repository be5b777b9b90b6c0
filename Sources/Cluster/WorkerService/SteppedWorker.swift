package import ClusterProtocol
package import Sampling
import SongPlan
import Synchronization
import WorkerCore

/// A worker without threads: whoever has it says when it talks and when it computes. For simulations; it is the same
/// conversation and the same engine as a `Worker`'s.
package final class SteppedWorker {
    private var conversation: Conversation
    private let engine: Engine
    private let batch: SharedBatch

    /// - Parameters:
    ///   - backend: of the model.
    ///   - options: with an identity.
    package init(
        _ model: ServedModel, backend: any WindowBackend, options: Worker.Options, transport: any Transport
    ) throws {
        engine = try Engine(model: model, backend: backend, options: options)
        var scheduler = BatchScheduler(
            settings: BatchScheduler.Settings(slots: engine.slots, chunk: options.chunk),
            blockLengths: model.blockLengths)
        scheduler.setResident(engine.residentLevels)
        batch = SharedBatch(scheduler: scheduler)
        conversation = Conversation(
            transport: transport, place: "the coordinator", batch: batch, metrics: engine.metrics,
            introduction: Conversation.Introduction(
                options: options, slots: engine.slots, device: "a stand-in", modelName: model.name,
                identity: options.identity ?? options.name,
                fingerprints: model.fingerprints),
            checks: model.checks)
    }

    /// Takes in what has come, and sends what is due.
    ///
    /// - Throws: `WorkerStopped` when the coordinator refuses it, or its engine cannot go on.
    package func talk() throws { try conversation.turn() }

    /// Computes one step.
    ///
    /// - Returns: false when there was nothing to do.
    package func compute() -> Bool { engine.runOnce(batch) }

    /// Windows that it has.
    package var count: Int { batch.state.withLock { $0.scheduler.count } }

    /// Samples nothing more, and hands in what there is as it talks.
    package func beginLeaving() throws { try conversation.beginLeaving() }

    package func leave() { conversation.leave() }
}
