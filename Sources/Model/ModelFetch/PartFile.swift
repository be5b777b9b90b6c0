import Foundation
import SystemErrors

/// What of a file came so far, `NAME.part`, and beside it what these bytes belong to, `NAME.part.json`.
struct PartFile {
    struct Record: Codable, Equatable {
        var address: String
        /// The whole's bytes; nil when the server does not say.
        var length: Int?
        /// The server's name for these very bytes; without one they are of no use later.
        var validator: String?
    }

    let target: String
    var path: String { "\(target).part" }
    private var recordPath: String { "\(target).part.json" }

    init(target: String) { self.target = target }

    /// Bytes that are there.
    var size: Int {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    }

    /// What the bytes belong to, if they can be gone on with.
    ///
    /// - Parameter address: of the file that is wanted.
    func resumable(_ address: WebAddress) -> Record? {
        guard size > 0, let data = FileManager.default.contents(atPath: recordPath), data.count <= 1 << 16,
            let record = try? JSONDecoder().decode(Record.self, from: data),
            record.address == address.description, record.validator != nil, size <= record.length ?? Int.max
        else { return nil }
        return record
    }

    /// Takes it down before the first byte is written: bytes without it are thrown away.
    func write(_ record: Record) throws {
        try OutputFile.replace(recordPath, with: [UInt8](JSONEncoder().encode(record)))
    }

    /// Throws away what came.
    func discard() {
        unlink(recordPath)
        unlink(path)
    }

    /// Gives the whole its name.
    func complete() throws {
        guard rename(path, target) == 0 else { throw SystemError(target) }
        unlink(recordPath)
        OutputFolder.synchronize(containing: target)
    }
}
