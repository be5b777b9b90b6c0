import Foundation
import SongPlan

/// What of a request has no meaning beside the rest of it: it is refused, or told where the song can be made all the
/// same. Nothing is ignored silently.
enum OptionCheck {
    /// - Throws: `SongError` that says what to remove.
    static func check(_ song: SongSpecification, _ geometry: ModelGeometry) throws {
        let mode = song.mode.rawValue
        if song.stereo == true, !song.samples.count.isMultiple(of: 3) {
            throw SongError(
                "stereo makes one sound of every three samples, and the song has \(song.samples.count); ask for 3 samples"
            )
        }
        switch song.mode {
        case .ancestral: try refuse(song.promptSeconds, "--prompt-seconds", "mode ancestral starts from nothing")
        case .primed:
            try refuse(
                song.codes, "--codes", "mode primed starts from a recording", or: "use --mode continue without --prompt"
            )
        case .upsample:
            guard song.prompt == nil || song.codes == nil else {
                throw SongError(
                    "mode upsample keeps the top level of a recording or of codes, and both are given: remove --prompt "
                        + "or --codes")
            }
            if song.codes != nil {
                try refuse(song.promptSeconds, "--prompt-seconds", "the codes' length is cut by --seconds")
            }
            try checkTwoLengths(song, geometry)
        case .continue:
            try refuse(
                song.prompt, "--prompt", "mode continue starts from codes", or: "use --mode primed without --codes")
            try refuse(song.promptSeconds, "--prompt-seconds", "mode \(mode) keeps all of the codes")
        }
    }

    private static func refuse<Value>(_ value: Value?, _ option: String, _ reason: String, or other: String? = nil)
        throws
    {
        guard value != nil else { return }
        throw SongError("\(option) cannot be used here: \(reason); remove it" + (other.map { ", or \($0)" } ?? ""))
    }

    /// In mode upsample the part of the recording that is kept is the song.
    private static func checkTwoLengths(_ song: SongSpecification, _ geometry: ModelGeometry) throws {
        func tokens(_ seconds: Double?) -> Int? {
            seconds.map { Int($0 * Double(geometry.sampleRate)) / geometry.lengthUnit }
        }
        guard let kept = tokens(song.promptSeconds),
            let wanted = song.sampleLength.map({ $0 / geometry.lengthUnit }) ?? tokens(song.seconds), kept != wanted
        else { return }
        throw SongError(
            "mode upsample makes a song of the length that is kept of the recording, and two lengths are given: remove "
                + "--prompt-seconds, or --seconds and --sample-length")
    }

    /// How many of the top level's codes a song of a length keeps.
    ///
    /// - Parameters:
    ///   - wanted: audio samples; nil keeps all.
    ///   - count: codes that there are.
    /// - Throws: `SongError` for more than there are, and for less than one.
    static func tokens(_ wanted: Int?, of count: Int, in file: String, _ geometry: ModelGeometry) throws -> Int {
        guard let wanted else { return count }
        let tokens = wanted / geometry.lengthUnit
        guard tokens > 0 else { throw SongError("a song is at least one token of the top level; ask for more seconds") }
        guard tokens <= count else {
            let have = Double(count * geometry.lengthUnit) / Double(geometry.sampleRate)
            let asked = Double(wanted) / Double(geometry.sampleRate)
            throw SongError(
                String(
                    format:
                        "%@ has %.4f s of the top level, and %.4f s are asked for: mode upsample adds none to them. "
                        + "Ask for less, leave the length away, or use --mode continue, which goes on from the codes",
                    file, (have * 10_000).rounded(.down) / 10_000, asked))
        }
        return tokens
    }

    /// What to tell where nothing is sampled, since a mode keeps all of what is asked for.
    static func nothingToSample(_ song: SongSpecification, _ geometry: ModelGeometry) -> [String] {
        guard song.mode == .upsample, song.stopAt >= geometry.top else { return [] }
        return [
            "mode upsample keeps the top level, and stop_at \(song.stopAt) samples none below it: the song is what level "
                + "\(geometry.top) keeps of it"
        ]
    }

    /// What to tell where a song is made in one piece although it was asked for in segments, or with their overlap.
    static func unusedCuts(
        _ song: SongSpecification, _ choice: SegmentChoice, _ geometry: ModelGeometry
    ) -> [String] {
        if song.stopAt >= geometry.top, choice != .count(1) {
            return [
                "segments cut the levels below the top, and stop_at \(song.stopAt) samples none of them; the song is "
                    + "exact"
            ]
        }
        guard let overlap = song.overlap else { return [] }
        return ["the song is made in one piece, so that there is nothing for an overlap of \(overlap) s; it is exact"]
    }
}
