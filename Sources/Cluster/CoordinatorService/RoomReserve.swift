import Foundation
import SystemErrors

/// Room on the state's disk that is kept for the moment when the disk is full and somebody removes a song: that has to be
/// journaled, too.
struct RoomReserve {
    private let path: String
    private let folder: String
    private let quota: Int?
    /// A twentieth of the disk or of the quota, and so many bytes at most.
    private static let (part, most, least) = (20, 4 << 20, 64 << 10)

    /// - Parameter quota: bytes that the folder may take; nil is all of the disk.
    init(folder: String, quota: Int?) {
        (self.folder, self.quota) = (folder, quota)
        path = folder + "/reserve"
    }

    private var size: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    }

    /// Takes the room, where the disk has several times as much left. What the disk refuses is tried again at the next call.
    func fill() {
        guard let disk = DiskSpace.of(folder) else { return }
        let wanted = min(max(min(disk.total, quota ?? .max) / Self.part, Self.least), Self.most)
        guard size < wanted, disk.free > 2 * wanted else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Half a reserve is none.
        if posix_fallocate(descriptor, 0, off_t(wanted)) != 0 { ftruncate(descriptor, 0) }
    }

    /// Gives the room back to the disk.
    ///
    /// - Returns: whether there was any.
    func release() -> Bool {
        let had = size > 0
        unlink(path)
        return had
    }
}
