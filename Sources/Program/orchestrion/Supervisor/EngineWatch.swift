import ServiceNotice
import WorkerService

/// Tells systemd how the engine's process is. Signs of life come of the engine's own loop, which counts its turns in memory
/// that both share: when that hangs, they stop. An engine that loads its model, or waits to be started again, has no loop; then
/// the supervisor's word counts.
struct EngineWatch {
    private var turns: UInt32 = 0
    private var isReady = false
    private var hasBeenReady = false
    private let notice = ServiceNotice.process
    private var nextExtension = ContinuousClock.now

    /// Several times a second.
    mutating func look(_ board: StepBoard) {
        guard notice.isHeard else { return }
        if board.isReady, !isReady {
            if hasBeenReady { notice.status("serves") } else { notice.ready("serves") }
            hasBeenReady = true
        }
        isReady = board.isReady
        guard isReady else {
            // Weights of large models take minutes.
            if !hasBeenReady, nextExtension <= .now {
                nextExtension = .now + .seconds(10)
                notice.extend(by: .seconds(60))
            }
            return notice.alive()
        }
        let now = board.turns
        if now != turns { notice.alive() }
        turns = now
    }
}
