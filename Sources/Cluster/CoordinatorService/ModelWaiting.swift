import CoordinatorCore
import JukeboxModel
import SystemErrors

/// Models that workers may serve, and that may not be there just now.
extension BackgroundWork {
    /// - Throws: when it cannot be opened.
    func allowModel(_ path: String) throws {
        let model = try registry.add(path: path)
        completions.post(.event(.allowModel(name: model.name, fingerprints: try model.fingerprints())))
    }

    /// Tries again until it can be opened.
    func awaitModel(_ path: String, _ error: any Error, _ pauses: Pauses = Pauses()) {
        var pauses = pauses
        let pause = pauses.next(after: error)
        let place = Troubles.Place.coordinator(part: "model \(path)")
        troubles.set(
            place, "the model \(path) cannot be opened, so its songs wait: \(error.waitingExplanation)",
            nextTry: .now + pause)
        queue(.preparation).add(after: pause) { [self, pauses] in
            if completions.isStopping { return }
            do {
                try allowModel(path)
                troubles.clear(place)
            } catch {
                awaitModel(path, error, pauses)
            }
        }
    }
}

/// What else a disk may refuse for a while.
extension BackgroundWork {
    /// Tries again until it goes.
    func persist(
        _ part: String, _ error: any Error, _ pauses: Pauses, _ body: @escaping @Sendable () throws -> Void
    ) {
        var pauses = pauses
        let pause = pauses.next(after: error)
        let place = Troubles.Place.coordinator(part: part)
        troubles.set(place, "\(part): \(error.waitingExplanation)", nextTry: .now + pause)
        queue(.upkeep).add(after: pause) { [self, pauses] in
            if completions.isStopping { return }
            do {
                try body()
                troubles.clear(place)
            } catch {
                persist(part, error, pauses, body)
            }
        }
    }
}
