import Synchronization

/// How far a song is with what is not sampling: encoding a recording, decoding. Any thread.
final class StageMeter: Sendable {
    private struct Stage {
        var start: ContinuousClock.Instant
        var share = 0.0
    }
    private let stage = Mutex<Stage?>(nil)

    func begin() { stage.withLock { $0 = Stage(start: .now) } }

    /// - Parameter share: of the stage, 0 to 1.
    func update(share: Double) { stage.withLock { $0?.share = share } }

    func end() { stage.withLock { $0 = nil } }

    /// The share that is done and the seconds that are left, when that can be told.
    var progress: (share: Double, secondsLeft: Double)? {
        guard let stage = stage.withLock({ $0 }), stage.share > 0 else { return nil }
        let seconds = stage.start.duration(to: .now) / .seconds(1)
        return (stage.share, seconds * (1 - stage.share) / stage.share)
    }
}
