package import SystemErrors

/// A journal that cannot be opened, read or written.
package enum JournalError: Error, Sendable, Hashable, CustomStringConvertible, SystemFault {
    case cannotUseFolder(path: String, reason: String)
    case locked(path: String)
    case notAJournal(path: String, reason: String)
    case newerSchema(path: String)
    /// A row is not what was written, or the file is not what SQLite wrote.
    case corrupt(path: String, what: String)
    /// The system refused it: a full disk, a limit.
    case refused(SystemError)
    /// SQLite could not do it just now: somebody else holds the file, or its disk fails.
    case unavailable(path: String, doing: String, reason: String)
    /// SQLite could not do it.
    case failed(path: String, doing: String, reason: String)

    package var systemCode: Int32? {
        if case .refused(let error) = self { error.code } else { nil }
    }

    /// Whether the same may be done later, when its cause is gone.
    package var passes: Bool {
        switch self {
        case .refused, .unavailable: true
        case .cannotUseFolder, .locked, .notAJournal, .newerSchema, .corrupt, .failed: false
        }
    }

    /// As an error of a file with damaged pages; nil where it is of another kind.
    func damage(_ path: String) -> JournalError? {
        switch self {
        case .corrupt, .notAJournal: self
        // Whatever SQLite does not understand of its own file.
        case .failed(_, _, let reason): .corrupt(path: path, what: reason)
        case .cannotUseFolder, .locked, .newerSchema, .refused, .unavailable: nil
        }
    }

    package var description: String {
        switch self {
        case .cannotUseFolder(let path, let reason):
            "the state folder \(path) cannot be used: \(reason); "
                + "choose another one, or change its permissions"
        case .locked(let path):
            "the state folder \(path) is in use by another coordinator; "
                + "stop that one, or choose another folder"
        case .notAJournal(let path, let reason):
            "\(path) is not a journal (\(reason)); " + JournalBackup.advice(for: path)
        case .newerSchema(let path):
            "\(path) was written by a newer version of orchestrion; use that version, or another state folder"
        case .corrupt(let path, let what):
            "\(path) is damaged: \(what); " + JournalBackup.advice(for: path)
        case .refused(let error): error.description
        case .unavailable(let path, let doing, let reason), .failed(let path, let doing, let reason):
            "\(doing) \(path) failed: \(reason)"
        }
    }
}
