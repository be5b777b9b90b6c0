import CoordinatorCore
import Foundation
import SongPlan
import SystemErrors

/// What happens when a disk is full.
extension CoordinatorServer {
    private static let pause = 0.5
    /// Seconds between lines of the log that say what is waited for.
    private static let reminder = 60.0

    /// Does what writes. A coordinator waits for room where there is none, and tries again; in one process with its
    /// client it gives up, so that the same command goes on later. Any thread.
    func whenThereIsRoom<Result>(_ body: () throws -> Result) throws -> Result {
        var nextWord = 0.0
        while true {
            do {
                let result = try body()
                if nextWord > 0 { options.log("there is room again; goes on") }
                return result
            } catch {
                guard options.waitsForRoom, error.isAboutRoom, !isStopping else { throw error }
                if seconds >= nextWord {
                    nextWord = seconds + Self.reminder
                    options.log("waits for room: \(error.explanation)")
                }
                Thread.sleep(forTimeInterval: Self.pause)
            }
        }
    }

    /// A song's files could not be written. What the system refused is no fault of the song: in one process with the
    /// client, the song goes on when the command is given again.
    func failed(_ song: SongID, _ what: String, _ error: any Error) {
        if isStopping { return }
        if options.trustsPaths, error.systemNumber != nil { return giveUp(error) }
        post(.event(.outputsFailed(song, reason: "\(what): \(error.explanation)")))
    }
}

extension Error {
    /// Whether it passes when somebody makes room.
    var isAboutRoom: Bool { systemNumber.map(SystemReason.passes) ?? false }
}
