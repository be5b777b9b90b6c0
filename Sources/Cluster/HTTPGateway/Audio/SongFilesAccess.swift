import ClusterClient
import Foundation
import SongFiles

/// Files of songs, as the coordinator has them. What several clients ask for at the same time is asked for once.
actor SongFilesAccess {
    private struct Listing {
        var until: ContinuousClock.Instant
        var list: Task<SongFileList, any Error>
    }

    private struct Reading {
        var until: ContinuousClock.Instant
        var piece: Task<[UInt8], any Error>
    }

    private struct PieceKey: Hashable {
        var song: String
        var path: String
        var offset: Int
    }

    private let cluster: ClusterAccess
    private var listings: [String: Listing] = [:]
    /// The pieces that were read last, whole ones only.
    private var pieces: [PieceKey: [UInt8]] = [:]
    private var order: [PieceKey] = []
    /// Pieces that are read just now, or were a moment ago: many listen to the same end of a sound that grows.
    private var readings: [PieceKey: Reading] = [:]
    private var digests: [String: (files: [String], values: [String: String])] = [:]

    /// For so long a list of files counts, and the end of a file that grows.
    private static let freshness = Duration.milliseconds(250)
    private static let mostPieces = 128

    init(cluster: ClusterAccess) { self.cluster = cluster }

    /// - Parameter soFar: sound that grows, instead of finished files.
    /// - Throws: `ClientError`, `Problem`.
    func list(_ song: String, soFar: Bool) async throws -> SongFileList {
        let key = "\(soFar ? "+" : "-")\(song)"
        if let known = listings[key], known.until > .now { return try await known.list.value }
        if listings.count > 1000 { listings = listings.filter { $0.value.until > .now } }
        let cluster = cluster
        let task = Task { try await cluster.ask { try $0.list(song: song, soFar: soFar) } }
        listings[key] = Listing(until: .now + Self.freshness, list: task)
        return try await task.value
    }

    /// SHA-256 of the files of a finished song, by path; empty where nobody knows.
    func digests(of song: String, _ list: SongFileList) async throws -> [String: String] {
        // One that is made anew under the same id has another size or another list.
        let key = list.files.map { "\($0.path) \($0.size)" }
        if let known = digests[song], known.files == key { return known.values }
        let values = try await cluster.ask { try $0.digests(of: song, list) }
        if digests.count > 1000 { digests = [:] }
        digests[song] = (key, values)
        return values
    }

    /// Some bytes of a file.
    ///
    /// - Parameter isFinal: whether the file does not change any more.
    /// - Returns: from `offset` on, at most a piece; empty behind the end.
    func read(_ file: SongFileEntry, of song: String, from offset: Int, isFinal: Bool) async throws -> [UInt8] {
        let start = offset / FilePiece.size * FilePiece.size
        let key = PieceKey(song: song, path: "\(file.path) \(isFinal ? file.size : 0)", offset: start)
        if let piece = pieces[key] { return Array(piece.dropFirst(offset - start)) }
        let piece = try await reading(key) { [UInt8](try $0.read(file, of: song, from: UInt64(start))) }.value
        keep(piece, for: key, isWhole: piece.count == FilePiece.size)
        return Array(piece.dropFirst(offset - start))
    }

    /// Sound of a file that grows, from a sample on.
    ///
    /// - Parameter file: of raw samples, 4 bytes each.
    /// - Returns: 16 bits a sample, at most a piece; empty behind the end. Made once for all that listen.
    func sound(_ file: SongFileEntry, of song: String, from sample: Int) async throws -> [UInt8] {
        let samples = FilePiece.size / 4
        let start = sample / samples * samples
        let key = PieceKey(song: song, path: "\(file.path) as sound", offset: 4 * start)
        if let piece = pieces[key] { return Array(piece.dropFirst(2 * (sample - start))) }
        let piece = try await reading(key) {
            Array(WAVHeader.samples([UInt8](try $0.read(file, of: song, from: UInt64(4 * start)))))
        }.value
        keep(piece, for: key, isWhole: piece.count == 2 * samples)
        return Array(piece.dropFirst(2 * (sample - start)))
    }

    private func keep(_ piece: [UInt8], for key: PieceKey, isWhole: Bool) {
        guard isWhole, pieces[key] == nil else { return }
        pieces[key] = piece
        order.append(key)
        if order.count > Self.mostPieces { pieces[order.removeFirst()] = nil }
    }

    private func reading(
        _ key: PieceKey, _ read: @escaping @Sendable (ClusterClient) throws -> [UInt8]
    ) -> Task<[UInt8], any Error> {
        if let known = readings[key], known.until > .now { return known.piece }
        if readings.count > Self.mostPieces { readings = readings.filter { $0.value.until > .now } }
        let cluster = cluster
        let task = Task { try await cluster.ask(read) }
        readings[key] = Reading(until: .now + Self.freshness, piece: task)
        return task
    }

    /// A song is not what it was.
    func forget(_ song: String) {
        readings = readings.filter { $0.key.song != song }
        for key in order where key.song == song { pieces[key] = nil }
        order.removeAll { $0.song == song }
        digests[song] = nil
    }
}
