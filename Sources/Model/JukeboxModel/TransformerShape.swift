/// What one layer's attention can see (the original's `attn_func`).
package enum AttentionPattern: Int, Sendable, Hashable, CaseIterable {
    /// Every earlier position and its own.
    case dense = 0
    /// Positions of its own block up to its own.
    case block = 1
    /// Positions with the same index within their blocks.
    case transposeBlock = 2
    /// All positions of the block before; zeros for the first block.
    case previousBlock = 3
    /// The lyric encoder's output.
    case lyricEncoder = 6
    /// The sequence's lyric prefix, rounded up to whole multiples of `blocks`.
    case prime = 7
}

/// The sizes of a transformer, whether of music, or of lyrics alone.
package struct TransformerShape: Sendable, Hashable {
    package var width: Int
    package var depth: Int
    package var heads: Int
    /// Width of queries, keys and values of all heads (`n_state`).
    package var stateWidth: Int
    package var mlpWidth: Int
    /// Positions of the sequence.
    package var length: Int
    package var vocabulary: Int
    package var blocks: Int?
    package var order: Int
    /// Keys that `AttentionPattern.prime` sees, before `length` limits them.
    package var primeLength: Int
    /// Rows of the lyric encoder's output, 0 without one.
    package var encoderLength: Int
    package var scalesResiduals: Bool

    /// Positions of a block (`block_ctx`); the whole sequence without blocks.
    package var blockLength: Int { blocks.map { length / $0 } ?? length }
    package var headWidth: Int { stateWidth / heads }
    package var residualScale: Float { scalesResiduals ? 1 / Float(depth) : 1 }

    /// The pattern of a layer, from the published orders 0, 2, 10, 12, and 8 of the documented small models.
    package func pattern(layer: Int) -> AttentionPattern {
        let cycle: [AttentionPattern] = [.block, .transposeBlock, .previousBlock]
        switch order {
        case 8:
            return layer % 10 == 9 ? .lyricEncoder : cycle[layer % 10 % 3]
        case 10:
            let place = layer % 79
            if place < 9 { return cycle[place % 3] }
            return (place - 9) % 10 == 9 ? .lyricEncoder : cycle[(place - 9) % 10 % 3]
        case 12:
            if layer % 16 == 15 { return [.prime, .prime, .dense][layer % 3] }
            return cycle[layer % 3]
        case 2:
            return cycle[layer % 3]
        default:
            return .dense
        }
    }

    /// Whether one of the first layers reads the lyric encoder's output.
    func attendsToLyricEncoder(inFirst count: Int) -> Bool {
        (0..<count).contains { pattern(layer: $0) == .lyricEncoder }
    }

    package static let supportedOrders: Set<Int> = [0, 2, 8, 10, 12]
}

extension PriorHyperparameters {
    /// The music transformer's sizes.
    package func transformer(codes: Int) -> TransformerShape {
        TransformerShape(
            width: width, depth: depth, heads: heads, stateWidth: Int(attentionMultiplier * Double(width)),
            mlpWidth: Int(mlpMultiplier * Double(width)), length: lyricPrefix + windowLength,
            vocabulary: codes + (singleSequence ? lyricVocabulary : 0), blocks: blocks, order: attentionOrder,
            primeLength: blocks.map { (lyricPrefix / $0 + 1) * $0 } ?? 0,
            encoderLength: hasLyricEncoder ? lyricLength : 0, scalesResiduals: scalesResiduals)
    }

    /// The lyric encoder's sizes; nil when there is none.
    package var lyricTransformer: TransformerShape? {
        guard hasLyricEncoder else { return nil }
        return TransformerShape(
            width: primeWidth, depth: primeDepth, heads: primeHeads,
            stateWidth: Int(primeAttentionMultiplier * Double(primeWidth)),
            mlpWidth: Int(primeMLPMultiplier * Double(primeWidth)), length: lyricLength,
            vocabulary: lyricVocabulary, blocks: primeBlocks, order: primeAttentionOrder, primeLength: 0,
            encoderLength: 0, scalesResiduals: primeScalesResiduals)
    }
}
