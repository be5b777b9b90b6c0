import Foundation
import Synchronization

/// A file that holds an input while it is read. Several threads may have one each.
enum ScratchFile {
    private static let folder: String = {
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let path = "\(base)/orchestrion-fuzz-\(getpid())"
        mkdir(path, 0o700)
        atexit { ScratchFile.removeFolder() }
        return path
    }()
    private static let number = Atomic(0)

    private static func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

    static func with<Result>(_ bytes: [UInt8], _ name: String, _ body: (String) throws -> Result) throws -> Result {
        let place = "\(folder)/\(number.wrappingAdd(1, ordering: .relaxed).newValue)"
        mkdir(place, 0o700)
        let path = "\(place)/\(name)"
        defer {
            unlink(path)
            rmdir(place)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw BrokenPromise("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        return try body(path)
    }

    /// A folder in which all is a link to the file of that name in `source`, except for one.
    static func replacing(
        _ name: String, of source: String, with bytes: [UInt8], _ body: (String) throws -> Void
    ) throws {
        let place = "\(folder)/\(number.wrappingAdd(1, ordering: .relaxed).newValue)"
        mkdir(place, 0o700)
        defer { try? FileManager.default.removeItem(atPath: place) }
        for entry in try FileManager.default.contentsOfDirectory(atPath: source) where entry != name {
            symlink("\(source)/\(entry)", "\(place)/\(entry)")
        }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(place)/\(name)"))
        try body(place)
    }
}
