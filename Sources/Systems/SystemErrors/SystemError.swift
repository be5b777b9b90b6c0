import Glibc

/// What the system would not do with a file or folder, in words for people.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible, SystemFault {
    /// The file or folder.
    package let path: String
    /// The system's number for it, such as ENOSPC.
    package let code: Int32
    /// Looked up at once: a disk that is full now may not be so when somebody reads this.
    private let reason: String

    /// - Parameter code: by default what the last call failed with.
    package init(_ path: String, code: Int32 = errno) {
        self.path = path
        self.code = code
        reason = SystemReason.text(code, path: path)
    }

    /// What was found out otherwise.
    init(_ path: String, code: Int32, reason: String) { (self.path, self.code, self.reason) = (path, code, reason) }

    package var description: String { "\(path): \(reason)" }
    package var systemCode: Int32? { code }
}

/// An error that may come of a refusal of the system.
package protocol SystemFault: Error {
    /// The system's number for it; nil for what the system has no part in.
    var systemCode: Int32? { get }
}

/// The system's numbers of errors, in words.
package enum SystemReason {
    /// Why something could not be done with a file, and what helps where something does.
    package static func text(_ code: Int32, path: String) -> String {
        let place = disk(of: path)
        switch code {
        case ENOSPC: return full(place)
        case EDQUOT:
            return
                "your quota of the disk of \(place) is used up; free some space there and give the same command again"
        case EFBIG:
            return "it would be larger than a file may be here (ulimit -f\(fileLimit)); raise that limit and give the "
                + "same command again"
        case EROFS: return "\(folder(of: path)) is read-only; make it writable or choose another folder"
        case EACCES, EPERM: return "you may not use it (\(plain(code))); change its permissions or choose another place"
        case EMFILE:
            return "this process may not open more files (ulimit -n\(openLimit)); raise that limit and give the same "
                + "command again"
        case ENFILE: return "the machine has too many files open; end other programs and give the same command again"
        case ENOMEM: return "the machine has no memory left for it; end other programs"
        case ESTALE: return "the disk of \(place) went away and came back (\(plain(code)))"
        case EIO: return "the disk of \(place) fails (\(plain(code))); see the system's log, or choose another disk"
        case ESPIPE: return "it is no file but a pipe or a device; write it to a file first"
        default: return plain(code)
        }
    }

    /// The system's own words.
    package static func plain(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// Whether it passes when somebody makes room, raises a limit or mends a disk.
    package static func passes(_ code: Int32) -> Bool {
        [
            ENOSPC, EDQUOT, EFBIG, EROFS, EMFILE, ENFILE, ENOMEM, EIO, ESTALE, EBUSY, EAGAIN, ENXIO, ENODEV, ETIMEDOUT,
            ENOTCONN,
        ].contains(code)
    }

    private static func full(_ folder: String) -> String {
        let advice = "free some there and give the same command again"
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return "the disk of \(folder) is full: \(advice)" }
        if disk.f_files > 0, disk.f_favail == 0 {
            return
                "the disk of \(folder) is full: it takes no more files, however small (no inodes are left); \(advice)"
        }
        // Some file systems count below 0, which looks like a very large number here.
        let (left, overflow) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: disk.f_frsize))
        if overflow || disk.f_bavail > UInt(Int.max) { return "the disk of \(folder) is full; \(advice)" }
        let nearly = left < 1 << 16 ? "" : ", or nearly"
        return "the disk of \(folder) is full\(nearly): \(size(left)) left; \(advice)"
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 10_000_000 ? "\(bytes / 1000) kB" : "\(bytes / 1_000_000) MB"
    }

    /// The lowest folder of a path that is there.
    private static func folder(of path: String) -> String {
        var place = path
        var status = stat()
        while stat(place, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR {
            guard let parent = parent(of: place) else { return "." }
            place = parent
        }
        return place
    }

    /// The folder where the disk of a file begins.
    private static func disk(of path: String) -> String {
        var place = folder(of: path)
        var (status, above) = (stat(), stat())
        guard stat(place, &status) == 0 else { return place }
        while let parent = parent(of: place), stat(parent, &above) == 0, above.st_dev == status.st_dev {
            place = parent
        }
        return place
    }

    /// nil above the root, and above a name alone.
    private static func parent(of path: String) -> String? {
        guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static var fileLimit: String { limit(RLIMIT_FSIZE, in: " is ", unit: " bytes") }
    private static var openLimit: String { limit(RLIMIT_NOFILE, in: " is ", unit: "") }

    private static func limit(_ which: __rlimit_resource, in before: String, unit: String) -> String {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(which.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(Int64.max) else {
            return ""
        }
        return "\(before)\(limit.rlim_cur)\(unit)"
    }
}
