import SystemErrors

/// A whole journal takes another one's place, with that one's write-ahead log gone. Whatever is cut short is done to its end at
/// the next start: until the new journal has its name, it lies beside the old one as `journal.sqlite.next`.
///
/// Without that, a power cut could leave the old file without its log, or the new one with the old one's log.
enum JournalSwitch {
    private static func next(_ path: String) -> String { path + ".next" }

    /// - Parameters:
    ///   - part: the new journal, in one file, in the same folder.
    ///   - former: where the old one goes; nil to let it go.
    static func make(_ part: String, _ path: String, keeping former: String? = nil, on disk: any JournalDisk) throws {
        try disk.synchronize(part)
        try disk.rename(part, to: next(path))
        disk.synchronizeFolder(of: path)
        if let former, disk.exists(path) { try disk.rename(path, to: former) }
        try finish(path, on: disk)
    }

    /// Does to its end what was begun; nothing where nothing was.
    static func finish(_ path: String, on disk: any JournalDisk) throws {
        guard disk.exists(next(path)) else { return }
        for file in [path + "-wal", path + "-shm"] {
            disk.remove(file)
            guard !disk.exists(file) else {
                throw JournalError.unavailable(path: file, doing: "removing", reason: "the disk refuses it")
            }
        }
        disk.synchronizeFolder(of: path)
        try disk.rename(next(path), to: path)
        disk.synchronizeFolder(of: path)
    }
}
