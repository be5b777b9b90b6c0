import SongFiles

/// Uploads that have begun and not ended, by the key that sends them.
struct UploadLedger {
    private struct Upload {
        var size: UInt64
        var last: Double
    }

    private var uploads: [String: [String: Upload]] = [:]

    /// Of one key: files, and their bytes in all.
    static let (mostFiles, mostBytes) = (16, UInt64(8) << 30)
    /// Seconds after which one that does not go on is passed over.
    private static let patience = 600.0

    /// A piece of a file comes.
    ///
    /// - Throws: `SongError` when the key has too many others that have not ended.
    mutating func begin(_ digest: String, size: UInt64, of owner: String, at now: Double) throws {
        var own = (uploads[owner] ?? [:]).filter { now - $0.value.last < Self.patience }
        own[digest] = nil
        let bytes = own.values.reduce(UInt64(0)) { $0 + $1.size }
        guard own.count < Self.mostFiles, bytes + min(size, Self.mostBytes) <= Self.mostBytes else {
            throw SongError(
                "\(own.count) other files of yours are being sent, \(bytes >> 20) MiB; \(Self.mostFiles) files and "
                    + "\(Self.mostBytes >> 20) MiB at a time are the most: wait until some are complete", .busy)
        }
        own[digest] = Upload(size: size, last: now)
        uploads[owner] = own
    }

    /// All of a file is there, or it was refused.
    mutating func end(_ digest: String, of owner: String) {
        uploads[owner]?[digest] = nil
        if uploads[owner]?.isEmpty == true { uploads[owner] = nil }
    }
}
