import Foundation

/// What a coordinator keeps is its owner's alone: songs that others ordered, their recordings, keys.
enum PrivateFiles {
    private static let others: mode_t = 0o077
    /// What a coordinator makes in its folder.
    private static let own = [
        "journal.sqlite", "lock", "uploads", "songs", "coordinator.key", "coordinator.key.pub", "allowed-keys",
    ]

    /// From now on, files and folders that this process makes are for their owner.
    static func begin() { umask(others) }

    /// Takes from others what an earlier release let them have of a state folder.
    ///
    /// - Parameter log: is told of it.
    static func tighten(_ folder: String, log: (String) -> Void) {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_mode & others != 0,
            isState(folder)
        else { return }
        guard status.st_mode & S_ISVTX == 0 else {
            return log(
                "warning: all users may write into \(folder), as into /tmp: a folder of its own in it keeps others out")
        }
        guard chmod(folder, status.st_mode & 0o7777 & ~others) == 0 else {
            return log(
                "warning: others may look into \(folder), and its mode cannot be changed "
                    + "(\(String(cString: strerror(errno)))): chmod 700 \(folder) as its owner keeps them out")
        }
        var count = 0
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
        where own.contains(where: { name == $0 || name.hasPrefix($0 + "/") || name.hasPrefix($0 + "-") }) {
            let path = "\(folder)/\(name)"
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK, status.st_mode & others != 0 else {
                continue
            }
            if chmod(path, status.st_mode & 0o7777 & ~others) == 0 { count += 1 }
        }
        log("others could look into \(folder); now its owner alone can (\(count) files and folders in it, too)")
    }

    /// Whether a folder is a coordinator's, or will be: one that has other things in it may be a home folder.
    private static func isState(_ folder: String) -> Bool {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return false }
        return names.isEmpty || names.contains("journal.sqlite")
    }
}
