import Digest
import Foundation

/// Remembers the identities of large files by path, size and time of change, so that 10 GB are hashed once.
///
/// Nothing trusts what it remembers: who loads the weights compares each tensor with it, and has the files hashed anew when
/// one differs.
enum FingerprintCache {
    private static let worthwhile = 64 << 20

    /// - Parameter isFresh: what is remembered is not looked at, but replaced.
    static func value(
        files: [String], salt: String, isFresh: Bool, compute: () throws -> WeightIdentity
    ) rethrows -> WeightIdentity {
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
        if !isFresh, let known = read(place) { return known }
        let value = try compute()
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        write(value, to: place)
        return value
    }

    /// JSON, and its hash as the last line.
    private static func read(_ place: URL) -> WeightIdentity? {
        guard let text = try? String(contentsOf: place, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n")
        guard lines.count == 2, hash(String(lines[0])) == lines[1] else { return nil }
        return try? JSONDecoder().decode(WeightIdentity.self, from: Data(lines[0].utf8))
    }

    private static func write(_ value: WeightIdentity, to place: URL) {
        guard let data = try? JSONEncoder().encode(value) else { return }
        let text = String(decoding: data, as: UTF8.self)
        try? "\(text)\n\(hash(text))\n".write(to: place, atomically: true, encoding: .utf8)
    }

    private static func hash(_ text: String) -> String { Array(text.utf8).withUnsafeBytes { Digest.fingerprint($0) } }

    private static var folder: URL { cache.appendingPathComponent("identities") }

    /// For packed matrices of models whose own folder cannot be written.
    static var packedFolder: URL { cache.appendingPathComponent("packed") }

    private static var cache: URL {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        return URL(fileURLWithPath: cache).appendingPathComponent("orchestrion")
    }
}
