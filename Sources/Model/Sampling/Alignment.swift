package import JukeboxModel
package import SongPlan
package import Tensor

/// Which lyric character each top-level token attends to (the original's `get_alignment`).
package enum Alignment {
    /// - Parameters:
    ///   - codes: the sample's whole top level.
    ///   - hop: tokens between windows.
    /// - Returns: [codes.count][characters of the lyrics]; empty rows when the model has no alignment head.
    package static func compute(
        prior: Prior, labeller: Labeller, labels: SongLabels, codes: [UInt16], hop: Int, team: ThreadTeam
    ) -> [[Float]] {
        let window = prior.hyperparameters.windowLength
        var result = [[Float]](
            repeating: Array(repeating: 0, count: labels.lyrics.count), count: codes.count)
        // From last to first, so that earlier windows' values stay where windows overlap.
        let starts = Plan.starts(total: codes.count, windowLength: window, hop: hop)
        for start in starts.reversed() {
            let music = Array(codes[start..<min(start + window, codes.count)])
            guard
                let attention = prior.alignment(
                    labels: labeller.vector(labels, start: start), music: music, team: team)
            else { return result.map { _ in [] } }
            let indices = labeller.lyricWindow(labels, start: start).indices
            for (row, weights) in attention.enumerated() {
                for (index, weight) in zip(indices, weights) where index >= 0 { result[start + row][index] = weight }
            }
        }
        return result
    }
}
