package import SystemErrors

/// A journal that cannot be opened, read or written.
package enum JournalError: Error, Sendable, Hashable, CustomStringConvertible, SystemFault {
    case cannotUseFolder(path: String, reason: String)
    case locked(path: String)
    case notAJournal(path: String, reason: String)
    case newerSchema(path: String)
    /// A row is not what was written.
    case corrupt(path: String, what: String)
    /// The system refused it: a full disk, a limit.
    case refused(SystemError)
    /// SQLite could not do it.
    case failed(path: String, doing: String, reason: String)

    package var systemCode: Int32? {
        if case .refused(let error) = self { error.code } else { nil }
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
            "\(path) is not a journal (\(reason)); move it away, or choose another state folder"
        case .newerSchema(let path):
            "\(path) was written by a newer version of orchestrion; use that version, or another state folder"
        case .corrupt(let path, let what):
            "\(path) is damaged: \(what); restore it from a copy"
        case .refused(let error): error.description
        case .failed(let path, let doing, let reason):
            "\(doing) \(path) failed: \(reason)"
        }
    }
}
