import ClusterProtocol
import CoordinatorService
import Foundation

extension CoordinatorClient {
    /// Copies a song's files into a folder; those that are there already are left alone.
    ///
    /// - Parameter isWanted: whether a file is copied.
    /// - Returns: what was copied, relative to the folder.
    func fetch(
        song: String, into folder: URL, isWanted: (String) -> Bool = { _ in true }
    ) throws -> [String] {
        var list = WireListFiles()
        list.song = song
        let files = try ask(.list(list)).files.files.filter { isWanted($0.path) }
        for file in files { try fetch(file, song: song, into: folder) }
        return files.map(\.path)
    }

    func fetch(_ file: WireFileEntry, song: String, into folder: URL) throws {
        guard !file.path.split(separator: "/").contains(".."), !file.path.hasPrefix("/") else {
            throw ClientError("the coordinator names a file outside the song's folder: \(file.path)")
        }
        let target = folder.appendingPathComponent(file.path)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        let part = target.appendingPathExtension("part")
        guard FileManager.default.createFile(atPath: part.path, contents: nil) else {
            throw ClientError("\(part.path) cannot be written")
        }
        let handle = try FileHandle(forWritingTo: part)
        defer { try? handle.close() }
        var read = WireReadFile()
        read.song = song
        read.path = file.path
        read.length = UInt32(UploadStore.pieceSize)
        var progress = ProgressLine("fetching \(file.path)", total: Int(file.size))
        while read.offset < file.size {
            let piece = try ask(.read(read)).piece
            guard !piece.data.isEmpty else {
                throw ClientError("\(file.path) became shorter while it was fetched; try again")
            }
            try handle.write(contentsOf: piece.data)
            read.offset += UInt64(piece.data.count)
            progress.update(Int(read.offset))
        }
        progress.finish()
        try handle.synchronize()
        guard rename(part.path, target.path) == 0 else { throw ClientError("\(target.path) cannot be written") }
    }
}
