import Foundation
import SystemErrors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The exclusive hold of one process on a state folder; the kernel lets it go when the process ends.
final class StateLock: Sendable {
    private let descriptor: Int32

    static func path(_ folder: String) -> String { folder + "/lock" }

    init(folder: String) throws(JournalError) {
        descriptor = open(Self.path(folder), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unusable(folder, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .locked(path: folder)
        }
    }

    deinit { close(descriptor) }
}

extension JournalError {
    /// What is to be done about a folder that the system does not let a journal have.
    static func unusable(_ folder: String, _ code: Int32) -> JournalError {
        SystemReason.passes(code)
            ? .refused(SystemError(folder, code: code))
            : .cannotUseFolder(path: folder, reason: SystemReason.plain(code))
    }
}
