/// Why all leases of a worker ended at once.
package enum WorkerLoss: String, Sendable, Hashable, CaseIterable {
    /// The transport could not reach it.
    case unreachable
    /// It said goodbye.
    case left
    case silent
    /// The coordinator cannot use it.
    case refused
    /// Its connection names itself as another worker.
    case replaced
    /// Its engine ended, and its supervisor told so.
    case died
}

/// Why a lease ended before its window was complete.
package enum LeaseEnding: Sendable, Hashable {
    /// Its worker went.
    case lost(WorkerLoss)
    /// Its worker does not know of it.
    case notHeld
    /// A faster worker goes on with the window.
    case moved
    /// Another worker that has the window is ahead.
    case beaten
    /// The worker said that it cannot.
    case reported(String)
    /// The worker's engine crashed in a step of the window.
    case crashed(String)
    /// A window that may have crashed an engine runs alone on the worker.
    case displaced
    /// The worker sent what cannot be right.
    case misbehaved(String)
    /// It has brought all of a window that another machine samples, too.
    case brought
    /// Its machine and another say different things.
    case disputed
    /// What its window depends on is sampled again.
    case withdrawn
    /// As an earlier release journaled it.
    case other(String)
}

extension LeaseEnding: CustomStringConvertible {
    package var description: String {
        switch self {
        case .lost(.unreachable): "the worker could not be reached"
        case .lost(.left): "the worker left"
        case .lost(.silent): "the worker was silent for too long"
        case .lost(.refused): "the worker was refused"
        case .lost(.replaced): "the worker came back as another one"
        case .lost(.died): "the worker's engine ended"
        case .crashed(let what): "the worker's engine crashed: \(what)"
        case .displaced: "a window that may have crashed an engine runs there alone"
        case .notHeld: "the worker does not have it"
        case .moved: "a faster worker goes on with it"
        case .beaten: "another worker is ahead"
        case .reported(let reason): "the worker failed: \(reason)"
        case .misbehaved(let fault): fault
        case .brought: "it is done, and another machine samples the same to compare"
        case .disputed: "its machine and another one give different tokens; a third decides"
        case .withdrawn: "a machine gave wrong tokens, and what was conditioned on them is sampled again"
        case .other(let text): text
        }
    }
}
