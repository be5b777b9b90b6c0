import Foundation

extension Error {
    /// What a person reads. Foundation describes what failed with a file for programmers; of that, the file and the
    /// system's reason are left.
    package var explanation: String {
        let error = self as NSError
        guard error.domain == NSCocoaErrorDomain, let path = error.userInfo[NSFilePathErrorKey] as? String else {
            return "\(self)"
        }
        if error.code == CocoaError.fileWriteFileExists.rawValue { return "\(path) is there already, and is no folder" }
        guard let cause = error.userInfo[NSUnderlyingErrorKey] as? any Error else {
            return "\(path): \(error.localizedDescription)"
        }
        return "\(path): \(String(cString: strerror(Int32((cause as NSError).code))))"
    }
}
