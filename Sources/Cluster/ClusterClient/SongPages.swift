import ClusterProtocol

/// Some of a coordinator's songs.
package struct SongPage: Sendable {
    package var songs: [SongProgress]
    /// Where the next page begins; nil after the last.
    package var next: String?
}

extension ClusterClient {
    /// Some songs, in the order of their submissions.
    ///
    /// - Parameters:
    ///   - cursor: `next` of the page before; nil for the first.
    ///   - limit: of songs. A page may have fewer, and is only the last when it has no `next`.
    ///   - unfinished: only those that have not ended.
    package func songs(
        cursor: String? = nil, limit: Int = 0, newestFirst: Bool = false, unfinished: Bool = false
    ) throws -> SongPage {
        var query = WireStatusQuery()
        (query.pages, query.cursor, query.limit) = (true, cursor ?? "", UInt32(clamping: limit))
        (query.newestFirst, query.unfinished, query.onlySongs) = (newestFirst, unfinished, true)
        let status = try ask(.status(query)).status
        return SongPage(
            songs: try status.songs.map(SongProgress.init), next: status.next.isEmpty ? nil : status.next)
    }

    /// One song.
    ///
    /// - Throws: `ClientError` of the kind `notFound` when there is none.
    package func progress(of song: String) throws -> SongProgress {
        var query = WireStatusQuery()
        (query.song, query.pages, query.onlySongs) = (song, true, true)
        guard let status = try ask(.status(query)).status.songs.first else {
            throw ClientError("there is no song \(PeerText.songID(song))", .notFound)
        }
        return try SongProgress(status)
    }
}
