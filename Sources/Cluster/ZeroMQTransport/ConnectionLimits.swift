import Glibc

/// How many connections a server lets itself have.
package struct ConnectionLimits: Sendable, Equatable {
    /// In all.
    package var total: Int
    /// Of those that have not said a word yet: whether they have shown a key cannot be seen, so that what counts is
    /// whether they were ever heard.
    package var unheard: Int
    /// Of those, from one address.
    package var unheardOfAddress: Int
    /// Bytes that a connection may have sent beyond what was taken from it.
    package var backlog: Int

    /// Files that must find room beside all connections.
    private static let reserve = 192
    private static let most = 16_384

    package init(total: Int, backlog: Int = 32 << 20) {
        self.total = max(8, total)
        unheard = max(4, min(self.total / 2, 4096))
        unheardOfAddress = max(3, min(self.total / 4, 1024))
        self.backlog = backlog
    }

    /// What the files that this process may have open leave, with a reserve for songs, journal and models.
    package static var ofThisProcess: ConnectionLimits {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return ConnectionLimits(total: 256)
        }
        let files = Int(clamping: limit.rlim_cur)
        let left = max(0, files - openFiles(atMost: files))
        return ConnectionLimits(total: min(most, max(left / 3, left - reserve)))
    }

    /// Descriptors that are open now.
    private static func openFiles(atMost limit: Int) -> Int {
        guard let folder = opendir("/proc/self/fd") else { return min(limit, 64) }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }
}
