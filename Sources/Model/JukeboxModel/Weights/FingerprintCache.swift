import Digest
import Foundation

/// Remembers fingerprints of large files by path, size and time of change, so that 10 GB are hashed once.
enum FingerprintCache {
    private static let worthwhile = 64 << 20

    static func value(files: [String], salt: String, compute: () throws -> String) rethrows -> String {
        var bytes = 0
        let stream = Digest.Stream()
        stream.update(salt)
        for file in files.sorted() {
            var status = stat()
            guard stat(file, &status) == 0 else { return try compute() }
            bytes += Int(status.st_size)
            stream.update(
                "\(file) \(status.st_size) \(status.st_ino) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
        }
        guard bytes >= worthwhile else { return try compute() }
        let place = folder.appendingPathComponent(stream.finish())
        if let known = try? String(contentsOf: place, encoding: .utf8), known.count == 64 { return known }
        let value = try compute()
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try? value.write(to: place, atomically: true, encoding: .utf8)
        return value
    }

    private static var folder: URL { cache.appendingPathComponent("fingerprints") }

    /// For packed matrices of models whose own folder cannot be written.
    static var packedFolder: URL { cache.appendingPathComponent("packed") }

    private static var cache: URL {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        return URL(fileURLWithPath: cache).appendingPathComponent("orchestrion")
    }
}
