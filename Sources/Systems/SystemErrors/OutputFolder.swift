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

    /// Makes what happened to names in a file's folder durable. Some file systems refuse that, and need it not.
    package static func synchronize(containing path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
