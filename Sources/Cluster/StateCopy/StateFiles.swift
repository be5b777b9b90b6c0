import Foundation

/// The files of a state folder that its copy has, too, besides the journal.
///
/// What is made again by itself is left: the journal's own copies, sound of songs that are not finished, parts of uploads.
struct StateFiles {
    private struct Known {
        /// When the song's folders were changed last.
        var stamp: [Int]
        var files: [CopiedFile]
        var looked: ContinuousClock.Instant
    }

    private let folder: String
    private var songs: [String: Known] = [:]
    /// Names of folders say when files come and go; that one was changed in its place is seen this late.
    private static let patience = Duration.seconds(30)

    init(_ folder: String) { self.folder = folder }

    /// Those that there are now.
    ///
    /// - Parameter unfinished: songs whose files change all the time.
    /// - Returns: with the songs whose folders were looked at.
    mutating func look(unfinished: Set<String>) -> (files: [CopiedFile], songs: [String: [CopiedFile]]) {
        var files = Self.plain(in: folder, "").filter { Self.isOfState($0.path) }
        files += Self.plain(in: folder, "uploads/").filter { !$0.path.hasSuffix(".part") }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/songs")) ?? []
        var now: [String: Known] = [:]
        for song in names where !song.hasPrefix(".") && !unfinished.contains(song) {
            now[song] = known(song)
            files += now[song]?.files ?? []
        }
        songs = now
        return (files, now.mapValues(\.files))
    }

    private func known(_ song: String) -> Known {
        let place = "\(folder)/songs/\(song)"
        let stamp = Self.stamp(place)
        if let known = songs[song], known.stamp == stamp, known.looked.duration(to: .now) < Self.patience {
            return known
        }
        let files = Self.all(in: place).compactMap { file -> CopiedFile? in
            guard !file.path.contains(".partial"), !file.path.hasPrefix("so_far/") else { return nil }
            var file = file
            file.path = "songs/\(song)/\(file.path)"
            return CopiedFile.isValid(file.path) ? file : nil
        }
        return Known(stamp: stamp, files: files, looked: .now)
    }

    private static func isOfState(_ name: String) -> Bool {
        !["lock", "reserve", "restoring.json"].contains(name)
            && !["journal", "copy.", "copy-", ".", "taken-over"].contains { name.hasPrefix($0) }
            && !name.contains(".partial")
    }

    /// Of a folder and those in it.
    private static func stamp(_ path: String) -> [Int] {
        let below = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return ([path] + below.sorted().map { "\(path)/\($0)" }).flatMap { path -> [Int] in
            var status = stat()
            guard lstat(path, &status) == 0 else { return [] }
            return [Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        }
    }

    /// The files in a folder itself.
    private static func plain(in folder: String, _ prefix: String) -> [CopiedFile] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + prefix)) ?? []
        return names.compactMap { file(folder, prefix + $0) }
    }

    /// The files in a folder and in all below it; links are left.
    static func all(in folder: String) -> [CopiedFile] {
        let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return paths.compactMap { file(folder, $0) }
    }

    private static func file(_ folder: String, _ path: String) -> CopiedFile? {
        var status = stat()
        guard lstat("\(folder)/\(path)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return CopiedFile(
            path: path, size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
