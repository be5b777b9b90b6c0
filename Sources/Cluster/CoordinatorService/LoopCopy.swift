import ClusterMetrics
import CoordinatorCore
import Foundation
import Journal
import MetricSnapshots
import ProgramLog
import SongPlan
import StateCopy

/// The copy of the state, as the loop has to do with it: it never waits for it.
extension CoordinatorLoop {
    private static let copyTrouble = Troubles.Place.coordinator(part: "the copy")
    /// How long the end of a coordinator waits for its copy.
    static var lastCopy: Duration { .seconds(4) }

    func beginCopy() {
        guard let copy = options.copy else { return }
        options.log("keeps a copy of the state in \(copy.place)")
        copier = StateCopier(
            to: copy.place, of: folder.path, journal: journal, identity: copy.identity, log: options.log
        ) { [completions] error in
            // There is another coordinator by now: what this one did from here on would be done twice.
            completions.giveUp(error)
        }
    }

    /// About once a second.
    func lookAtCopy() {
        guard let copier else { return }
        copier.setUnfinished(Set(songs.keys))
        if let problem = copier.status.problem {
            troubles.set(
                Self.copyTrouble,
                "the copy of the state in \(copier.status.place) cannot be kept, and is tried again; all else goes on: \(problem)"
            )
        } else {
            troubles.clear(Self.copyTrouble)
        }
        for song in upkeep.awaitingCopy where copier.mayForget(song) { forget(song) }
    }

    /// Lets the journal forget a finished song's tokens, when its files are in the copy, too.
    func forget(_ song: SongID) {
        upkeep.awaitingCopy.remove(song)
        guard core.state(of: song) == .finished else { return }
        guard copier?.mayForget(song) ?? true else {
            upkeep.awaitingCopy.insert(song)
            return
        }
        // Where the disk refuses it, the next start does it.
        try? journal.forget(song)
    }

    func addCopy(to snapshot: inout MetricSnapshot) {
        guard let status = copier?.status else { return }
        snapshot.add(CoordinatorMetric.copyBehind, .number(status.behind))
        snapshot.add(CoordinatorMetric.copyPending, .count(status.pendingBytes))
        snapshot.add(CoordinatorMetric.copyBytes, .count(status.bytes))
        snapshot.add(CoordinatorMetric.copyFailures, .count(status.failures))
    }
}
