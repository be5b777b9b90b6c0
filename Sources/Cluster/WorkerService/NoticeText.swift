import Foundation
import ProgramLog
import WorkerCore

extension Notice {
    /// As a line of the log.
    ///
    /// - Parameter place: the coordinator's address.
    func text(at place: String) -> String {
        switch self {
        case .joined: "is welcome at \(place)"
        case .back(nil): "is welcome again at \(place): the coordinator did not know this worker any more"
        case .back(let away?): "is welcome again at \(place), after \(Self.seconds(away)) without a coordinator"
        case .lost:
            "lost the coordinator at \(place): the connection ended; goes on with the windows it has, and tries again"
        case .noConnection(nil, let since):
            "no connection to \(place) after \(Self.seconds(since)): nothing answers there so far; goes on trying"
        case .noConnection(let problem?, let since):
            "no coordinator\(since < .seconds(1) ? "" : " after \(Self.seconds(since))"): \(problem.text). Goes on trying"
        case .noAnswer(let since):
            "connected to \(place), but the coordinator says nothing after \(Self.seconds(since)): its log says what "
                + "it waits for, such as room on its disk; goes on trying"
        case .gaveUp(let window, let reason): "gives up \(window): \(reason)"
        case .gaveUpMore(let count, let reason):
            "gave up \(count) more \(count == 1 ? "window" : "windows") in the last minute: \(reason)"
        case .damaged:
            "a message from the coordinator was damaged on its way: says hello again, so that it is repeated; memory or "
                + "network of one of the machines is not sound"
        case .nonsense: "ignores messages that are not of this protocol; is all of the cluster of one release?"
        }
    }

    var level: LogLevel {
        switch self {
        case .joined, .back, .gaveUp, .gaveUpMore: .info
        case .lost, .noConnection, .noAnswer, .damaged, .nonsense: .warning
        }
    }

    var fields: LogFields {
        switch self {
        case .gaveUp(let window, _): LogFields(task: window)
        case .joined, .back, .lost, .noConnection, .noAnswer, .gaveUpMore, .damaged, .nonsense: LogFields()
        }
    }

    private static func seconds(_ time: Duration) -> String {
        let seconds = Int((time / .seconds(1)).rounded())
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }
}
