import SongPlan
import Synchronization

/// How far songs are with what is not sampling: encoding a recording, decoding. Any thread.
final class StageMeter: Sendable {
    private struct Stage {
        var start: ContinuousClock.Instant
        var share = 0.0
    }
    private let stages = Mutex<[SongID: Stage]>([:])

    func begin(_ song: SongID) { stages.withLock { $0[song] = Stage(start: .now) } }

    /// - Parameter share: of the stage, 0 to 1.
    func update(_ song: SongID, share: Double) { stages.withLock { $0[song]?.share = share } }

    func end(_ song: SongID) { stages.withLock { $0[song] = nil } }

    /// The share that is done and the seconds that are left, when that can be told.
    func progress(of song: SongID) -> (share: Double, secondsLeft: Double)? {
        guard let stage = stages.withLock({ $0[song] }), stage.share > 0 else { return nil }
        let seconds = stage.start.duration(to: .now) / .seconds(1)
        return (stage.share, seconds * (1 - stage.share) / stage.share)
    }
}
