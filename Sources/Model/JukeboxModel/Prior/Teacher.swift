import Foundation
package import Tensor

extension Prior {
    /// Logits of every row of a sequence whose tokens are all known (teacher forcing).
    ///
    /// - Returns: [prefix + music.count][vocabulary].
    package func logits(labels: [Int], above: [UInt16]?, music: [UInt16], team: ThreadTeam) -> [Float] {
        let sequence = makeSequence(labels: labels, above: above, team: team)
        sequence.append(music)
        let workspace = makeWorkspace(rows: blockLength, team: team)
        let total = prefix + music.count
        var logits = [Float](repeating: 0, count: total * shape.vocabulary)
        logits.withUnsafeMutableBufferPointer { buffer in
            while sequence.computed < total {
                let rows = min(blockLength - sequence.computed % blockLength, total - sequence.computed)
                step(
                    [PriorRun(sequence, rows: rows, logits: .all)], workspace: workspace,
                    logits: buffer.baseAddress! + sequence.computed * shape.vocabulary, team: team)
            }
        }
        return logits
    }

    /// How much attention each music position of a window pays to each lyric position of its lyric window, by the
    /// alignment layer and head: [music.count][lyricLength], or nil when the model has none.
    package func alignment(labels: [Int], music: [UInt16], team: ThreadTeam) -> [[Float]]? {
        guard let layer = hyperparameters.alignmentLayer, hyperparameters.lyricLength > 0 else { return nil }
        let characters = hyperparameters.lyricLength
        let sequence = makeSequence(labels: labels, above: nil, team: team)
        sequence.append(music)
        let workspace = makeWorkspace(rows: blockLength, team: team)
        let total = prefix + music.count
        let result = Buffer<Float>(count: music.count * characters, zeroed: true)
        while sequence.computed < total {
            let begin = sequence.computed
            let rows = min(blockLength - begin % blockLength, total - begin)
            let recorder = AttentionRecorder(layer: layer, head: hyperparameters.alignmentHead ?? 0) { row, weights in
                let position = begin + row - self.prefix
                guard position >= 0 else { return }
                for index in 0..<min(characters, weights.count) {
                    result.pointer[position * characters + index] = weights[index]
                }
            }
            step(
                [PriorRun(sequence, rows: rows, logits: .none)], workspace: workspace, logits: nil, team: team,
                recorder: recorder)
        }
        return (0..<music.count).map { Array(result.elements[$0 * characters..<($0 + 1) * characters]) }
    }
}

extension Prior {
    /// Mean cross entropy of the music tokens of a window, in bits.
    ///
    /// - Parameter logits: of all rows, as `logits(labels:above:music:team:)` gives them.
    package func bits(_ logits: [Float], music: [UInt16]) -> Double {
        var nats = 0.0
        let lyric = prefix > 0 ? hyperparameters.lyricVocabulary : 0
        for (position, token) in music.enumerated() {
            let first = (prefix + position) * shape.vocabulary
            let row = logits[first..<first + shape.vocabulary]
            let largest = Double(row.max() ?? 0)
            let sum = row.reduce(0.0) { $0 + exp(Double($1) - largest) }
            nats += log(sum) + largest - Double(row[first + lyric + Int(token)])
        }
        return nats / log(2) / Double(max(1, music.count))
    }
}
