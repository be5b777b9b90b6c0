package import Foundation
package import SongFiles

/// What the gateway has made of songs and of specifications by the rest of the program. The calls take their time, and block.
package protocol SongTools: Sendable {
    /// How long a song would take, as `orchestrion plan --json` says it.
    ///
    /// - Parameter workers: as for `plan --workers`.
    /// - Throws: what says that the song, or the list of workers, is wrong.
    func plan(_ request: SongRequest, workers: String) throws -> [UInt8]

    /// Draws a finished song.
    ///
    /// - Parameters:
    ///   - folder: as `fetch` leaves it.
    ///   - out: gets the PNG.
    func picture(of folder: URL, level: Int?, sample: Int, out: URL) throws

    /// When the words of a finished song are sung.
    func lyricTimes(of folder: URL, sample: Int) throws -> SungLyrics

    /// Whether the seams of a finished song in segments can be heard, as `orchestrion seams --json` says it.
    func seams(of folder: URL, level: Int?, sample: Int) throws -> [UInt8]

    /// Writes audio in another format.
    func convert(_ audio: URL, to format: String, out: URL) throws
}

/// The lines of a song's lyrics with their times.
package struct SungLyrics: Sendable, Hashable {
    package struct Span: Sendable, Hashable, Encodable {
        package var text: String
        /// Seconds from the song's beginning.
        package var begin: Double
        package var end: Double

        package init(text: String, begin: Double, end: Double) {
            (self.text, self.begin, self.end) = (text, begin, end)
        }
    }

    package var lines: [Span]
    package var characters: [Span]
    /// Why there are no times; empty where there are.
    package var note: String

    package init(lines: [Span] = [], characters: [Span] = [], note: String = "") {
        (self.lines, self.characters, self.note) = (lines, characters, note)
    }
}
