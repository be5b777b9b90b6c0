import Foundation
import ProgramLog
import SongPlan
import Synchronization
import SystemErrors

/// What holds songs or the whole coordinator up and passes when its cause is gone: a full disk, a model's folder that is
/// not there. `status` shows it, and the log. Any thread.
final class Troubles: Sendable {
    enum Place: Hashable, Sendable {
        /// One job of a song.
        case song(SongID, part: String)
        case coordinator(part: String)
    }

    private struct Trouble {
        var text: String
        var nextTry: ContinuousClock.Instant?
        var toldAt: ContinuousClock.Instant?
    }

    private let table = Mutex<[Place: Trouble]>([:])
    private let log: Log
    /// Between lines of the log that say the same.
    private static let reminder = Duration.seconds(60)
    private static let longest = 600

    init(log: Log = Log { _ in }) { self.log = log }

    /// - Parameter nextTry: when it is tried again; nil where nothing is tried.
    func set(_ place: Place, _ text: String, nextTry: ContinuousClock.Instant? = nil) {
        let text = String(text.prefix(Self.longest))
        let isTold = table.withLock { table in
            let former = table[place]
            let isDue = former?.toldAt.map { $0 + Self.reminder <= .now } ?? true
            let isTold = isDue || former?.text != text
            table[place] = Trouble(text: text, nextTry: nextTry, toldAt: isTold ? .now : former?.toldAt)
            return isTold
        }
        guard isTold else { return }
        switch place {
        case .song(let song, _): log("song \(song) waits: \(text)", .warning, LogFields(song: song))
        case .coordinator: log(text, .warning)
        }
    }

    /// It is gone.
    func clear(_ place: Place) {
        guard table.withLock({ $0.removeValue(forKey: place) }) != nil else { return }
        switch place {
        case .song(let song, _): log("song \(song) goes on", .info, LogFields(song: song))
        case .coordinator(let part): log("\(part): all is well again")
        }
    }

    /// The song has ended.
    func forget(_ song: SongID) {
        table.withLock { table in
            table = table.filter { if case .song(song, _) = $0.key { false } else { true } }
        }
    }

    /// How many songs wait for anything.
    var waitingSongs: Int {
        table.withLock { table in
            Set(table.keys.compactMap { if case .song(let song, _) = $0 { song } else { nil } }).count
        }
    }

    /// What a song waits for; nil when nothing holds it up.
    func waiting(_ song: SongID) -> String? {
        let own = table.withLock { table in
            table.compactMap { place, trouble -> (String, Trouble)? in
                if case .song(song, let part) = place { (part, trouble) } else { nil }
            }
        }
        // The same one each time.
        return own.min { $0.0 < $1.0 }.map { Self.shown($0.1) }
    }

    /// What holds the coordinator up, or soon will.
    var ofCoordinator: [String] {
        table.withLock { table in
            table.compactMap { place, trouble -> (String, Trouble)? in
                if case .coordinator(let part) = place { (part, trouble) } else { nil }
            }
        }.sorted { $0.0 < $1.0 }.map { Self.shown($0.1) }
    }

    private static func shown(_ trouble: Trouble) -> String {
        guard let next = trouble.nextTry else { return trouble.text }
        let seconds = max(0, ContinuousClock.now.duration(to: next) / .seconds(1))
        return "\(trouble.text); tries again in \(Int(seconds.rounded(.up))) s"
    }
}

/// How long it takes until something that failed is tried again: growing pauses.
struct Pauses {
    private var next = shortest

    static let shortest = Duration.seconds(1)
    /// So that a song goes on soon after there is room.
    static let longestForDisks = Duration.seconds(4)
    static let longest = Duration.seconds(15)

    mutating func next(after error: any Error) -> Duration {
        let limit = error.isAboutRoom ? Self.longestForDisks : Self.longest
        defer { next = min(next * 2, Self.longest) }
        return min(next, limit)
    }
}
