import ClusterProtocol
import CoordinatorService
import Foundation
import SystemErrors

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
        try OutputFolder.make(target.deletingLastPathComponent().path)
        let part = target.appendingPathExtension("part").path
        do {
            try copy(file, song: song, to: OutputFile(part, isNew: true))
            guard rename(part, target.path) == 0 else { throw SystemError(target.path) }
        } catch let error as SystemError {
            unlink(part)
            throw SystemError(target.path, code: error.code)
        } catch {
            unlink(part)
            throw error
        }
    }

    private func copy(_ file: WireFileEntry, song: String, to output: OutputFile) throws {
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
            try output.write(piece.data)
            read.offset += UInt64(piece.data.count)
            progress.update(Int(read.offset))
        }
        progress.finish()
        try output.synchronize()
        try output.close()
    }
}
