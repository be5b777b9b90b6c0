import CoordinatorCore
import Foundation
import ProgramLog

/// What people are told of comparing machines.
struct CheckReport {
    private static let trouble = Troubles.Place.coordinator(part: "compared windows")
    private var next = 0.0
    private var notes: [String] = []
    private var wasAlone = false

    /// Looks once a second.
    mutating func look(_ core: Coordinator, at seconds: Double, _ troubles: Troubles, log: Log) {
        guard seconds >= next else { return }
        next = seconds + 1
        let notes = core.checkNotes
        if notes != self.notes {
            self.notes = notes
            if notes.isEmpty {
                troubles.clear(Self.trouble)
            } else {
                troubles.set(Self.trouble, notes.joined(separator: "; "))
            }
        }
        let isAlone = core.lacksSecondMachine
        if isAlone, !wasAlone { log("windows are not compared while there is only one machine (--verify-share)") }
        wasAlone = isAlone
    }
}
