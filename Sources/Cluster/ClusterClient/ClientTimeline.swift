import ClusterProtocol
import Foundation
package import SongFiles

extension ClusterClient {
    /// Who sampled which window of a song when.
    ///
    /// - Throws: `ClientError`, or `DecodingError` for a timeline that is damaged.
    package func timeline(song: String) throws -> Timeline {
        var query = WireTimelineQuery()
        query.song = song
        let entry = SongFileEntry(try ask(.timeline(query)).timeline)
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
