import CoordinatorCore
import SongPlan

/// What a coordinator's other threads do for songs, which takes its time and goes with its process.
struct CoordinatorJobs {
    enum Job {
        case encode(SongID)
        case chooseCut(SongID, sample: Int, seam: Int, [UInt16])
        case write(SongID, [StreamID: [UInt16]])
    }

    private struct Entry {
        var due: Double
        var run: Int
        var job: Job

        var song: SongID {
            switch job {
            case .encode(let song), .chooseCut(let song, _, _, _), .write(let song, _): song
            }
        }
    }

    private var entries: [Entry] = []
    /// By song; what was begun for a former one is not heard.
    private var runs: [SongID: Int] = [:]
    private var dice: Dice

    init(dice: Dice) { self.dice = dice }

    mutating func add(_ job: Job, at now: Double) {
        var entry = Entry(due: now + dice.between(0.01, 0.8), run: 0, job: job)
        entry.run = runs[entry.song] ?? 0
        entries.append(entry)
    }

    /// What was begun for a song is done for nothing.
    mutating func restart(_ song: SongID) { runs[song, default: 0] += 1 }

    /// Jobs that are done, in the order in which they were begun.
    mutating func takeDone(at now: Double) -> [Job] {
        let done = entries.filter { $0.due <= now && $0.run == runs[$0.song] ?? 0 }
        entries.removeAll { $0.due <= now }
        return done.map(\.job)
    }

    /// A job that could not be done is tried again.
    mutating func retry(_ job: Job, at now: Double) {
        add(job, at: now + 1)
    }
}
