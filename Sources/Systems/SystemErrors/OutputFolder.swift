import Foundation

/// Folders that are made.
package enum OutputFolder {
    /// Makes a folder and those above it, where they are missing.
    ///
    /// - Throws: `SystemError` when there is no room for it, looked into now; other refusals as Foundation has them.
    package static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            guard let code = error.systemNumber, SystemReason.passes(code) else { throw error }
            throw SystemError(path, code: code)
        }
    }
}
