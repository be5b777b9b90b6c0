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

/// A file is not what `song.json` says.
struct DamagedFile: Error {}

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

    /// Whether files of a finished song are missing, because they were damaged; `state` says what becomes of them.
    package var isDamaged: Bool { state.hasPrefix("finished, but ") }
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
        let list = try list(song: song)
        let digests = try digests(of: song, list)
        let files = list.files.filter { isWanted($0.path) }
        var damaged = digests.keys.filter { path in isWanted(path) && !list.files.contains { $0.path == path } }
        for file in files {
            do {
                try fetch(file, song: song, into: folder, digest: digests[file.path], progress: progress)
            } catch is DamagedFile {
                damaged.append(file.path)
            }
        }
        guard damaged.isEmpty else { throw Self.damage(of: song, damaged.sorted(), list) }
        return files.map(\.path)
    }

    /// What `song.json` says of a finished song's other files: SHA-256 by path. Empty for songs of earlier releases, and
    /// while a song is not finished.
    ///
    /// - Throws: `ClientError`.
    package func digests(of song: String, _ list: SongFileList) throws -> [String: String] {
        let name = SongFolderLayout.descriptionName
        guard let entry = list.files.first(where: { $0.path == name }) else { return [:] }
        var data = Data()
        while data.count < min(entry.size, Self.largestDescription) {
            let piece = try read(entry, of: song, from: UInt64(data.count))
            if piece.isEmpty { break }
            data += piece
        }
        // One that cannot be read is told by whoever needs what it says.
        return (try? SongDescription(json: data, source: name))?.outcome.files ?? [:]
    }

    private static let largestDescription: UInt64 = 64 << 20

    static func damage(
        of song: String, _ files: [String], _ list: SongFileList
    ) -> ClientError {
        let what = files.count == 1 ? "\(files[0]) is" : "\(files.joined(separator: ", ")) are"
        return ClientError(
            "\(what) not what was written for \(song): the coordinator's disk damaged it, or somebody changed it there. "
                + "The song is \(list.state). The coordinator makes sound again from the codes where it can: fetch it again in "
                + "a moment", .unavailable)
    }

    /// - Parameter digest: SHA-256 of what the file must be; nil where nobody knows.
    /// - Throws: `DamagedFile` when it is something else.
    func fetch(
        _ file: SongFileEntry, song: String, into folder: URL, digest: String? = nil,
        progress: (FileTransfer) -> Void
    ) throws {
        guard !file.path.split(separator: "/").contains(".."), !file.path.hasPrefix("/") else {
            throw ClientError("the coordinator names a file outside the song's folder: \(file.path)")
        }
        let target = folder.appendingPathComponent(file.path)
        try OutputFolder.make(target.deletingLastPathComponent().path)
        let part = target.appendingPathExtension("part").path
        do {
            try copy(file, song: song, to: OutputFile(part, isNew: true), progress: progress)
            if let digest, try FileDigest.sha256(part) != digest { throw DamagedFile() }
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
