import ClusterProtocol
import Foundation
package import SongFiles

extension ClusterClient {
    private static let largestTimeline: UInt64 = 1 << 29

    /// Who sampled which window of a song when.
    ///
    /// - Throws: `ClientError`, or `DecodingError` for a timeline that is damaged.
    package func timeline(song: String) throws -> Timeline {
        var query = WireTimelineQuery()
        query.song = song
        let entry = SongFileEntry(try ask(.timeline(query)).timeline)
        guard entry.size <= Self.largestTimeline else {
            throw ClientError("the timeline of \(song) has \(entry.size) bytes, more than one can have")
        }
        var data = Data()
        while data.count < entry.size {
            let piece = try read(entry, of: song, from: UInt64(data.count))
            guard !piece.isEmpty else {
                throw ClientError("\(entry.path) became shorter while it was fetched; try again")
            }
            data += piece
        }
        return try Timeline(json: data)
    }
}
