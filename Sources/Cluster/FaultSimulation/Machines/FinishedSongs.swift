import SongPlan

/// The files of finished songs, which are on the disk when they are there.
final class FinishedSongs {
    private var songs: [SongID: [StreamID: [UInt16]]] = [:]

    func put(_ song: SongID, _ streams: [StreamID: [UInt16]]) { songs[song] = streams }
    func discard(_ song: SongID) { songs[song] = nil }
    subscript(song: SongID) -> [StreamID: [UInt16]]? { songs[song] }
}
