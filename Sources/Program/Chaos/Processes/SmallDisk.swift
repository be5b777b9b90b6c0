import Foundation
import SystemErrors

/// A disk of a few megabytes in memory, for the coordinator's state, that can be filled up.
package final class SmallDisk {
    private let folder: String
    private var filler: String { "\(folder)/filler" }

    /// Mounts it; the mount is in a namespace of this process's own, and ends with it.
    ///
    /// - Throws: `ChaosError` where that may not be.
    package init(folder: String, megabytes: Int = 192) throws {
        self.folder = folder
        try Tool.need(["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=700", "chaos", folder])
    }

    /// Bytes that are free.
    package var free: Int {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return 0 }
        return Int(status.f_bavail) * Int(status.f_bsize)
    }

    /// - Throws: `SystemError`.
    package func fill() throws {
        let file = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemError(filler) }
        defer { Foundation.close(file) }
        var size = off_t(0)
        for step in [off_t(1) << 20, 4096] {
            while posix_fallocate(file, size, step) == 0 { size += step }
        }
    }

    package func empty() { unlink(filler) }

    /// Takes it away.
    package func close() { _ = Tool.run(["umount", "--lazy", folder]) }
}
