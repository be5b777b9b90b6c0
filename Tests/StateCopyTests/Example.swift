import CoordinatorCore
import Foundation
import Journal
import SongPlan

/// A folder that goes with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("copy-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

/// Songs in a journal.
enum Example {
    static func submission(_ song: SongID) -> Submission {
        let level = LevelGeometry(samplesPerToken: 8, windowLength: 64, codes: 2048, tokensPerUpperToken: nil)
        return Submission(
            song: song, model: "m", fingerprints: [0: "zero"],
            planInputs: PlanInputs(
                geometry: ModelGeometry(
                    sampleRate: 44100, levels: [level], timing: TimingRange(minimumTotal: 1, maximumTotal: 1 << 40)),
                sampleLength: 8 * 1000, hops: [32], known: [0]),
            seed: 7, filters: [Filter(temperature: 0.99)], labels: [[nil]], priority: 0, submittedAt: 1_700_000_000,
            specification: "{}", awaitsTokens: false)
    }

    static func task(_ song: SongID) -> TaskID {
        TaskID(stream: StreamID(song: song, sample: 0, level: 0), window: 0)
    }

    static func begin(_ song: SongID, epoch: Epoch = 1) -> [CoordinatorCore.Record] {
        [.songSubmitted(submission(song)), .leaseGranted(task(song), epoch, "worker")]
    }

    static func tokens(_ song: SongID, from start: Int, epoch: Epoch = 1) -> CoordinatorCore.Record {
        .tokens(
            task(song).stream, start: start, [UInt16](repeating: UInt16(start), count: 4),
            .sampled(task(song), epoch, "worker"))
    }
}

extension Journal {
    func records() throws -> [CoordinatorCore.Record] { try read().entries.map(\.record) }
}

/// What a journal that nobody has open holds.
func records(in folder: String) throws -> [CoordinatorCore.Record] {
    let journal = try Journal(folder: folder)
    defer { journal.close() }
    return try journal.records()
}
