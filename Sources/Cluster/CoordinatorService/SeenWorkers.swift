import CoordinatorCore
import SongFiles

/// Names and slots of workers, as they said them when they came; forgotten when the core forgets the worker.
struct SeenWorkers {
    private var workers: [WorkerID: Timeline.Worker] = [:]
    /// How many there may be before those that left are looked for.
    private var limit = leastLimit
    private static let leastLimit = 64

    subscript(id: WorkerID) -> Timeline.Worker? { workers[id] }

    /// - Parameter known: those of which the core knows.
    mutating func add(_ worker: WorkerDescription, known: () -> [WorkerID]) {
        workers[worker.id] = Timeline.Worker(name: worker.name, slots: worker.slots)
        guard workers.count > limit else { return }
        let known = Set(known())
        workers = workers.filter { known.contains($0.key) }
        limit = max(Self.leastLimit, 2 * workers.count)
    }
}
