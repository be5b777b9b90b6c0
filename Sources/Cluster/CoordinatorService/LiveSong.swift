import CoordinatorCore
import Foundation
import SongFiles
import SongPlan

/// One time that a song is worked on: another one begins when tokens of it are withdrawn.
final class SongRun: Sendable {}

/// A song that has not ended, as the coordinator works on it: made once, when it is taken on or found in the journal, and
/// dropped once, when it ends.
///
/// Jobs on other threads have copies of it. What these share is in `stage`, `sounds` and `joins`, which do nothing more
/// once the song has ended.
struct LiveSong: Sendable {
    let id: SongID
    let request: SongRequest
    /// With nominal cuts.
    let plan: Plan
    let output: SongOutput
    let layout: SongFolderLayout
    let stage = StageMeter()
    let sounds: GrowingSounds
    let joins: GrowingJoins
    /// What jobs of it say counts as long as the song is worked on as it was then: see `Completion.ofRun`.
    let run = SongRun()
    /// The loop's own.
    private(set) var speed = SpeedMeter()
    /// Those that had windows of it.
    private(set) var workers: [WorkerID: Timeline.Worker] = [:]

    init(id: SongID, request: SongRequest, plan: Plan, folder: URL) {
        self.id = id
        self.request = request
        self.plan = plan
        layout = SongFolderLayout(folder)
        output = SongOutput(folder: folder, request: request, plan: plan)
        sounds = GrowingSounds(output: output, model: request.specification.model, plan: plan)
        joins = GrowingJoins(output: output, model: request.specification.model)
    }

    /// The name of its model.
    var model: String { request.specification.model }

    mutating func count(tokens: Int, at seconds: Double) { speed.add(tokens, at: seconds) }

    /// Some that only say that they have one may be among them, so their number is bounded.
    mutating func remember(_ worker: Timeline.Worker, as id: WorkerID) {
        if workers[id] != nil || workers.count < Self.mostWorkers { workers[id] = worker }
    }

    private static let mostWorkers = 4096

    /// Whether it has not ended.
    var isOpen: Bool { sounds.isOpen }

    /// Jobs that still run for it decode nothing more.
    func close() {
        sounds.close()
        joins.close()
    }

    /// Seconds of a level that can be heard, of the sample that has the least.
    func audibleSeconds(level: Int, samples: Int) -> Double {
        let heard = (0..<samples).map { sample in
            let stream = StreamID(song: id, sample: sample, level: level)
            let pieces = sounds.audibleTokens(of: stream) * plan.geometry.levels[level].samplesPerToken
            return max(joins.audibleSamples(of: stream), pieces)
        }
        return Double(heard.min() ?? 0) / Double(plan.geometry.sampleRate)
    }
}
