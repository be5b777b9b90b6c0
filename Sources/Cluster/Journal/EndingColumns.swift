import CoordinatorCore
import GRDB

/// Why a lease ended, in the columns `ending` and `text`.
extension LeaseEnding {
    /// A word for the kind, and what is told beside it.
    var columns: (ending: String, text: String?) {
        switch self {
        case .lost(let loss): (loss.rawValue, nil)
        case .notHeld: ("not held", nil)
        case .moved: ("moved", nil)
        case .beaten: ("beaten", nil)
        case .reported(let reason): ("reported", reason)
        case .crashed(let what): ("crashed", what)
        case .displaced: ("displaced", nil)
        case .misbehaved(let fault): ("misbehaved", fault)
        case .brought: ("brought", nil)
        case .disputed: ("disputed", nil)
        case .withdrawn: ("withdrawn", nil)
        case .other(let text): ("other", text)
        }
    }

    init(ending: String?, text: String?) {
        if let loss = ending.flatMap(WorkerLoss.init) {
            self = .lost(loss)
            return
        }
        switch ending {
        case "not held": self = .notHeld
        case "moved": self = .moved
        case "beaten": self = .beaten
        case "brought": self = .brought
        case "disputed": self = .disputed
        case "withdrawn": self = .withdrawn
        case "reported": self = .reported(text ?? "")
        case "crashed": self = .crashed(text ?? "")
        case "displaced": self = .displaced
        case "misbehaved": self = .misbehaved(text ?? "")
        default: self = .other(text ?? "")
        }
    }

    /// Gives rows of earlier releases, which had a text alone, their words.
    static func migrate(_ db: Database) throws {
        let words = [
            ("worker lost:%", WorkerLoss.unreachable.rawValue), ("worker left:%", WorkerLoss.left.rawValue),
            ("worker silent for too long:%", WorkerLoss.silent.rawValue), ("refused:%", WorkerLoss.refused.rawValue),
            ("replaced:%", WorkerLoss.replaced.rawValue), ("the worker does not have it", "not held"),
            ("a faster worker goes on with it", "moved"), ("another worker is ahead", "beaten"),
        ]
        for (pattern, word) in words {
            try db.execute(
                sql: "UPDATE records SET ending = ?, text = NULL WHERE kind = 'ended' AND text LIKE ?",
                arguments: [word, pattern])
        }
        let prefix = "the worker failed: "
        try db.execute(
            sql: "UPDATE records SET ending = 'reported', text = substr(text, ?) WHERE kind = 'ended' AND text LIKE ?",
            arguments: [prefix.count + 1, prefix + "%"])
    }
}
