import Foundation
import SystemErrors

/// What happens when a disk is full. Any thread.
struct RoomOnDisk: Sendable {
    /// Whether room is waited for; otherwise what the system refused is an error.
    let isAwaited: Bool
    let log: @Sendable (String) -> Void
    /// Whether waiting is of no use any more.
    let isStopping: @Sendable () -> Bool

    private static let pause = 0.5
    /// Between lines of the log that say what is waited for.
    private static let reminder = Duration.seconds(60)

    /// Does what writes. A coordinator waits for room where there is none, and tries again; in one process with its
    /// client it gives up, so that the same command goes on later.
    func whenThere<Result>(_ body: () throws -> Result) throws -> Result {
        var nextWord: ContinuousClock.Instant?
        while true {
            do {
                let result = try body()
                if nextWord != nil { log("there is room again; goes on") }
                return result
            } catch {
                guard isAwaited, error.isAboutRoom, !isStopping() else { throw error }
                if nextWord.map({ $0 <= .now }) ?? true {
                    nextWord = .now + Self.reminder
                    log("waits for room: \(error.explanation)")
                }
                Thread.sleep(forTimeInterval: Self.pause)
            }
        }
    }
}

extension Error {
    /// Whether it passes when somebody makes room.
    var isAboutRoom: Bool { systemNumber.map(SystemReason.passes) ?? false }
}
