import ClusterProtocol
package import Foundation
import SongFiles
import SystemErrors

/// A file of a song's folder, as the coordinator has it.
package struct SongFileEntry: Sendable, Hashable {
    /// Relative to the folder.
    package var path: String
    /// Bytes.
    package var size: UInt64
}

/// How far a file is that is sent or copied: told at its beginning, at each piece, and at its end.
package struct FileTransfer: Sendable, Hashable {
    package enum Direction: Sendable, Hashable { case sending, fetching }

    package var direction: Direction
    package var name: String
    /// Bytes.
    package var total: Int
    package var done: Int
    package var isComplete: Bool
}

/// A song's files, as a client asks for them.
package struct SongFileList: Sendable {
    /// The song's, in words.
    package var state: String
    package var files: [SongFileEntry]
    /// Audio samples a second, and of the whole song.
    package var sampleRate: Int
    package var sampleLength: Int
}

extension ClusterClient {
    /// - Parameter soFar: those of sound that grows, instead of finished ones.
    package func list(song: String, soFar: Bool = false) throws -> SongFileList {
        var list = WireListFiles()
        (list.song, list.soFar) = (song, soFar)
        var reply = try ask(.list(list)).files
        var files = reply.files.map(SongFileEntry.init)
        for _ in 0..<Self.mostPages where reply.more {
            guard let last = reply.files.last?.path, last > list.after else { break }
            list.after = last
            reply = try ask(.list(list)).files
            files += reply.files.map(SongFileEntry.init)
        }
        // What no file of a song can be called, nobody made: it is left where it is.
        files.removeAll { !PeerText.isClean($0.path, limit: 1000) }
        return SongFileList(
            state: PeerText.lines(reply.state, limit: 2000), files: files, sampleRate: Int(reply.sampleRate),
            sampleLength: Int(clamping: reply.sampleLength))
    }

    /// Reads a piece of a file.
    ///
    /// - Returns: empty behind its end.
    package func read(
        _ file: SongFileEntry, of song: String, from offset: UInt64, count: Int = FilePiece.size
    ) throws -> Data {
        var read = WireReadFile()
        (read.song, read.path, read.offset, read.length) = (song, file.path, offset, UInt32(count))
        return try ask(.read(read)).piece.data
    }

    /// Copies a song's files into a folder, over those that are there.
    ///
    /// - Parameters:
    ///   - isWanted: whether a file is copied.
    ///   - progress: told how far each is.
    /// - Returns: what was copied, relative to the folder.
    package func fetch(
        song: String, into folder: URL, isWanted: (String) -> Bool = { _ in true },
        progress: (FileTransfer) -> Void = { _ in }
    ) throws -> [String] {
        let files = try list(song: song).files.filter { isWanted($0.path) }
        for file in files { try fetch(file, song: song, into: folder, progress: progress) }
        return files.map(\.path)
    }

    func fetch(
        _ file: SongFileEntry, song: String, into folder: URL, progress: (FileTransfer) -> Void
    ) throws {
        guard !file.path.split(separator: "/").contains(".."), !file.path.hasPrefix("/") else {
            throw ClientError("the coordinator names a file outside the song's folder: \(file.path)")
        }
        let target = folder.appendingPathComponent(file.path)
        try OutputFolder.make(target.deletingLastPathComponent().path)
        let part = target.appendingPathExtension("part").path
        do {
            try copy(file, song: song, to: OutputFile(part, isNew: true), progress: progress)
            guard rename(part, target.path) == 0 else { throw SystemError(target.path) }
        } catch let error as SystemError {
            unlink(part)
            throw SystemError(target.path, code: error.code)
        } catch {
            unlink(part)
            throw error
        }
    }

    private func copy(
        _ file: SongFileEntry, song: String, to output: OutputFile, progress: (FileTransfer) -> Void
    ) throws {
        var transfer = FileTransfer(
            direction: .fetching, name: file.path, total: Int(clamping: file.size), done: 0, isComplete: false)
        progress(transfer)
        var offset: UInt64 = 0
        while offset < file.size {
            let piece = try read(file, of: song, from: offset)
            guard !piece.isEmpty else {
                throw ClientError("\(file.path) became shorter while it was fetched; try again")
            }
            try output.write(piece)
            offset += UInt64(piece.count)
            transfer.done = Int(clamping: offset)
            progress(transfer)
        }
        transfer.isComplete = true
        progress(transfer)
        try output.synchronize()
        try output.close()
    }
}
