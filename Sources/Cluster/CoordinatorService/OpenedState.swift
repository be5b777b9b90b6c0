import CoordinatorCore
import Foundation
import Journal
import ProgramLog
import SongPlan
import SystemErrors

/// What a state folder holds, opened and replayed. What is damaged is left away, told, and sampled again.
struct OpenedState: Sendable {
    let journal: Journal
    let core: Coordinator
    /// Songs whose submission is lost, and why; what else the journal has of them stays there.
    let lost: [SongID: String]
    /// By song that has ended, seconds since 1970.
    let endings: [SongID: Double]

    static let trouble = Troubles.Place.coordinator(part: "the state")

    static func text(_ error: any Error) -> String {
        "waits for its state, which cannot be opened: \(error.waitingExplanation)"
    }

    init(folder: URL, options: CoordinatorServer.Options, work: BackgroundWork) throws {
        try OutputFolder.make(folder.path)
        journal = try Journal(folder: folder.path)
        try work.uploads.makeFolder()
        let replayed = try ReplayedJournal(journal, settings: options.settings) { options.log($0, $1, $2) }
        (core, lost, endings) = (replayed.core, replayed.lost, replayed.endings)
        for (song, reason) in lost {
            work.troubles.set(
                .coordinator(part: "song \(song)"),
                "song \(song) cannot go on: \(reason). What the journal has of it is kept; orchestrion remove \(song) lets it "
                    + "go, and it can be submitted again")
        }
    }
}
