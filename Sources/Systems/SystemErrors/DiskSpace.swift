import Glibc

/// Room on a disk.
package struct DiskSpace: Sendable, Hashable {
    /// For whoever is not root.
    package var free: Int
    package var total: Int

    /// The disk of a folder; nil when nobody knows.
    package static func of(_ folder: String) -> DiskSpace? {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0, disk.f_blocks > 0 else { return nil }
        let block = Int(clamping: disk.f_frsize)
        func bytes(_ blocks: UInt) -> Int {
            let (bytes, overflow) = Int(clamping: blocks).multipliedReportingOverflow(by: block)
            return overflow ? Int.max : bytes
        }
        // Some file systems count below 0, which looks like a very large number here.
        let free = disk.f_bavail > disk.f_blocks ? 0 : bytes(UInt(disk.f_bavail))
        return DiskSpace(free: free, total: bytes(UInt(disk.f_blocks)))
    }

    /// Bytes that the files below a folder take of the disk.
    package static func used(by folder: String) -> Int {
        guard let stream = opendir(folder) else { return 0 }
        defer { closedir(stream) }
        var sum = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                sum += used(by: "\(folder)/\(name)")
            } else {
                sum += Int(status.st_blocks) * 512
            }
        }
        return sum
    }
}
