import Foundation

extension Error {
    /// What a person reads. Foundation describes what failed with a file for programmers; of that, the file and the
    /// system's reason are left.
    package var explanation: String {
        if let error = self as? DecodingError { return error.plainWords }
        let error = self as NSError
        guard [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain) else { return "\(self)" }
        let path = error.path
        if error.domain == NSCocoaErrorDomain, error.code == CocoaError.fileWriteFileExists.rawValue, let path {
            return "\(path) is there already, and is no folder"
        }
        guard let code = error.systemNumber else { return "\(path ?? "a file"): \(error.localizedDescription)" }
        return "\(path ?? "a file"): \(SystemReason.text(code, path: path ?? "."))"
    }

    /// Whether it passes when somebody makes room, raises a limit or mends a disk.
    package var isAboutRoom: Bool { systemNumber.map(SystemReason.passes) ?? false }

    /// The explanation for one that is tried again by itself.
    package var waitingExplanation: String {
        explanation.replacingOccurrences(of: " and give the same command again", with: "")
    }

    /// The system's number for why it failed, if the system was asked.
    package var systemNumber: Int32? {
        if let fault = self as? any SystemFault { return fault.systemCode }
        let error = self as NSError
        if error.domain == NSPOSIXErrorDomain { return Int32(error.code) }
        guard error.domain == NSCocoaErrorDomain else { return nil }
        if let cause = error.userInfo[NSUnderlyingErrorKey] as? any Error, let code = cause.systemNumber { return code }
        return Self.numbers[CocoaError.Code(rawValue: error.code)]
    }

    private static var numbers: [CocoaError.Code: Int32] {
        [
            .fileWriteOutOfSpace: ENOSPC, .fileWriteVolumeReadOnly: EROFS, .fileWriteNoPermission: EACCES,
            .fileReadNoPermission: EACCES, .fileNoSuchFile: ENOENT, .fileReadNoSuchFile: ENOENT,
            .fileWriteFileExists: EEXIST, .fileReadUnknown: EIO, .fileWriteUnknown: EIO,
        ]
    }
}

extension NSError {
    fileprivate var path: String? {
        userInfo[NSFilePathErrorKey] as? String ?? (userInfo[NSURLErrorKey] as? URL)?.path
    }
}

extension DecodingError {
    /// Where a file's JSON is not what it ought to be.
    fileprivate var plainWords: String {
        func place(_ keys: [any CodingKey]) -> String {
            let path = keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "it" : "its field \(path)"
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context): return "\(place(context.codingPath)) has another type than it must have"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) has no value"
        case .dataCorrupted(let context): return "\(place(context.codingPath)) is damaged: \(context.debugDescription)"
        @unknown default: return "it is damaged"
        }
    }
}
