package import CoordinatorCore
import Foundation
import Journal
package import SongPlan
import TestSupport

/// What a journal is given to write, step by step, by the dice: songs, leases, tokens, ends, what is forgotten and removed.
/// The same seed makes the same history, so that whoever looks at what is left of it knows what must be there.
package struct JournalHistory: Sendable {
    package enum Step: Sendable {
        /// Records in one transaction.
        case append([CoordinatorCore.Record])
        case forget(SongID)
        case shrink
        case compact
        /// Closed and opened, which moves the write-ahead log into the file.
        case reopen
    }

    package let steps: [Step]

    package init(steps count: Int, seed: UInt64) {
        var (dice, maker) = (Dice(seed: seed), Maker())
        steps = (0..<count).map { _ in maker.next(&dice) }
    }

    /// The records before the first step, after the first, and so on.
    package func states() -> [[CoordinatorCore.Record]] {
        var states: [[CoordinatorCore.Record]] = [[]]
        for step in steps {
            var records = states[states.count - 1]
            switch step {
            case .append(let new):
                for record in new {
                    if case .songRemoved(let song) = record {
                        records.removeAll { $0.song == song }
                    } else {
                        records.append(record)
                    }
                }
            case .forget(let song): records.removeAll { $0.song == song && $0.isForgotten }
            case .shrink, .compact, .reopen: break
            }
            states.append(records)
        }
        return states
    }

    /// Every epoch below which none may be given again, after each step.
    package func epochs() -> [Epoch] {
        var epochs: [Epoch] = [0]
        for step in steps {
            var last = epochs[epochs.count - 1]
            if case .append(let records) = step {
                for case .leaseGranted(_, let epoch, _) in records { last = max(last, epoch) }
            }
            epochs.append(last)
        }
        return epochs
    }

    /// Writes it into a journal. `mark` is told 2 n before step n, and 2 n + 1 when it is durable.
    package func write(to folder: String, mark: (Int) -> Void) throws {
        var open: Journal?
        for (number, step) in steps.enumerated() {
            mark(2 * number)
            if case .reopen = step {
                open?.close()
                // Its lock goes with it.
                open = nil
            }
            let journal = try open ?? Journal(folder: folder)
            open = journal
            switch step {
            case .append(let records): try journal.append(records)
            case .forget(let song): try journal.forget(song)
            case .shrink: try journal.shrink()
            case .compact: try journal.compact()
            case .reopen: break
            }
            mark(2 * number + 1)
        }
        open?.close()
    }
}

extension CoordinatorCore.Record {
    /// Whether it goes when its song is finished.
    fileprivate var isForgotten: Bool {
        switch self {
        case .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .machine, .checkBegun, .claimed, .checkEnded,
            .tokensDropped, .cutDropped:
            true
        case .songSubmitted, .songState, .songResumed, .songNoted, .songRemoved, .verdict, .verdictLifted: false
        }
    }
}

/// Makes one step after another.
private struct Maker {
    private struct Song {
        var id: SongID
        var tokens = 0
        var epoch: Epoch
        var isFinished = false
    }

    private var songs: [Song] = []
    private var number = 0
    private var epoch: Epoch = 1

    mutating func next(_ dice: inout Dice) -> JournalHistory.Step {
        if songs.isEmpty { return submit() }
        let place = Int.random(in: songs.indices, using: &dice)
        if songs[place].isFinished { return leave(place, &dice) }
        switch Int.random(in: 0..<100, using: &dice) {
        case ..<5: return submit()
        case ..<8: return .append([.songState(songs[place].id, .cancelled), .songResumed(songs[place].id)])
        case ..<11: return .reopen
        case ..<13: return .shrink
        case 13: return .compact
        case ..<20: return renew(place)
        case ..<25: return blame(place, &dice)
        default: break
        }
        guard songs[place].tokens < 4096 else {
            songs[place].isFinished = true
            return .append([.songState(songs[place].id, .finished)])
        }
        return .append((0..<Int.random(in: 1...4, using: &dice)).map { _ in chunk(place, &dice) })
    }

    private mutating func leave(_ place: Int, _ dice: inout Dice) -> JournalHistory.Step {
        let song = songs.remove(at: place).id
        return Bool.random(using: &dice) ? .forget(song) : .append([.songRemoved(song)])
    }

    private mutating func submit() -> JournalHistory.Step {
        number += 1
        epoch += 1
        let song = Song(id: "song-\(number)", epoch: epoch)
        songs.append(song)
        return .append([
            .songSubmitted(Self.submission(song.id)), .songState(song.id, .sampling),
            .machine(song.id, "worker", "machine"), .leaseGranted(Self.task(song.id), epoch, "worker"),
        ])
    }

    private mutating func renew(_ place: Int) -> JournalHistory.Step {
        let (song, former) = (songs[place].id, songs[place].epoch)
        epoch += 1
        songs[place].epoch = epoch
        return .append([
            .leaseEnded(Self.task(song), former, of: "worker", .lost(.silent)),
            .leaseGranted(Self.task(song), epoch, "other worker"),
        ])
    }

    private func blame(_ place: Int, _ dice: inout Dice) -> JournalHistory.Step {
        let task = Self.task(songs[place].id)
        let name = "machine \(Int.random(in: 0..<3, using: &dice))"
        return .append([
            .workerBlamed(task, "worker", .reported(reason: "no memory"), machine: name), .checkBegun(task),
            .verdict(name, reason: "it gave other tokens"), .verdictLifted(name),
        ])
    }

    private mutating func chunk(_ place: Int, _ dice: inout Dice) -> CoordinatorCore.Record {
        let song = songs[place]
        songs[place].tokens += 128
        let task = Self.task(song.id)
        let tokens = (0..<128).map { _ in UInt16.random(in: 0..<2048, using: &dice) }
        return .tokens(task.stream, start: song.tokens, tokens, .sampled(task, song.epoch, "worker"))
    }

    private static func task(_ song: SongID) -> TaskID {
        TaskID(stream: StreamID(song: song, sample: 0, level: 1), window: 0)
    }

    private static func submission(_ song: SongID) -> Submission {
        let level = LevelGeometry(samplesPerToken: 8, windowLength: 64, codes: 2048, tokensPerUpperToken: 4)
        let top = LevelGeometry(samplesPerToken: 32, windowLength: 64, codes: 2048, tokensPerUpperToken: nil)
        return Submission(
            song: song, model: "model", fingerprints: [0: "zero", 1: "one"],
            planInputs: PlanInputs(
                geometry: ModelGeometry(
                    sampleRate: 44100, levels: [level, top],
                    timing: TimingRange(minimumTotal: 1, maximumTotal: 1 << 40)),
                sampleLength: 32 * 4096, hops: [32, 32], known: [0, 0]),
            seed: 7, filters: [Filter(temperature: 0.99), Filter(temperature: 0.98)], labels: [[nil], [nil]],
            priority: 0,
            submittedAt: 1_700_000_000, specification: "{}", awaitsTokens: false)
    }
}
