package import ArgumentParser
import Foundation
import SystemErrors

extension ParsableCommand {
    /// Runs a program that measures: its children and files are gone when it ends, and errors are in plain words.
    package static func measure() {
        Running.endOnSignals()
        StandardOutput.showLines()
        do {
            var command = try parseAsRoot()
            try command.run()
            try StandardOutput.flush()
            Running.end()
        } catch {
            Running.end()
            let explanation = error.explanation
            exit(withError: explanation == "\(error)" ? error : MeasurementError(explanation))
        }
    }
}
