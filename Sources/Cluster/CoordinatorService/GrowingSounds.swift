import Foundation
import JukeboxModel
import SongFiles
import SongPlan
import Synchronization
import Tensor

/// Decodes the levels of a song while their tokens arrive, so that it is heard before it is finished.
///
/// The loop adds tokens; the thread that decodes does a few pieces at a time, so that all streams are heard soon. Only tokens that are not decoded yet are kept, and those that reach into what comes next.
final class GrowingSounds: Sendable {
    private struct Growth {
        /// Of the whole level.
        var total: Int
        /// Tokens from `start` on.
        var tokens: [UInt16] = []
        var start = 0
        /// Tokens that are decoded; nil until somebody has looked at the file.
        var decoded: Int?
        /// Whether a job for the stream waits or runs.
        var isQueued = false
        /// Whether somebody else writes the sound now.
        var isHandedOver = false

        var have: Int { start + tokens.count }
    }

    /// Pieces that are decoded before other streams have their turn.
    private static let piecesAtOnce = 4
    private let output: SongOutput
    private let model: String
    private let plan: Plan
    /// nil once the song has ended.
    private let growths = Mutex<[StreamID: Growth]?>([:])

    init(output: SongOutput, model: String, plan: Plan) {
        self.output = output
        self.model = model
        self.plan = plan
    }

    /// The loop: more tokens of a stream exist, as codes. Those that are known already are dropped.
    ///
    /// - Returns: whether a job must be queued.
    func add(_ codes: [UInt16], to stream: StreamID, from start: Int) -> Bool {
        growths.withLock { growths in
            guard growths != nil else { return false }
            var growth =
                growths?.removeValue(forKey: stream) ?? Growth(total: plan.levels[stream.level].total)
            if start <= growth.have { growth.tokens += codes.dropFirst(growth.have - start) }
            let isNew = !growth.isQueued
            growth.isQueued = true
            growths?[stream] = growth
            return isNew
        }
    }

    /// Tokens of a level that can be heard.
    func audibleTokens(of stream: StreamID) -> Int { growths.withLock { $0?[stream]?.decoded ?? 0 } }

    /// From now on somebody else writes the stream's sound.
    func handOver(_ stream: StreamID) {
        growths.withLock {
            $0?[stream]?.isHandedOver = true
            $0?[stream]?.tokens = []
        }
    }

    /// Whether the song has not ended.
    var isOpen: Bool { growths.withLock { $0 != nil } }

    /// The song has ended.
    func close() { growths.withLock { $0 = nil } }

    /// The thread that decodes: some of what is due.
    ///
    /// - Returns: whether more is due.
    func decodeSome(of stream: StreamID, registry: ModelRegistry, team: ThreadTeam) throws -> Bool {
        guard growths.withLock({ $0?[stream].map { !$0.isHandedOver } ?? false }) else { return false }
        let (level, sample) = (stream.level, stream.sample)
        let vqvae = try registry.vqvae(named: model)
        guard !output.hasAudio(level: level, sample: sample) else {
            return settle(stream, decoded: nil, keeping: 0, more: false)
        }
        var sound = try output.soundSoFar(level: level, sample: sample, vqvae: vqvae)
        let (piece, reach) = (vqvae.pieceLength(level: level), vqvae.reach(level: level))
        guard let due = nextPieces(of: stream, from: sound.tokens, piece: piece, reach: reach) else { return false }
        for begin in stride(from: sound.tokens, to: due.end, by: piece) {
            let end = min(begin + piece, due.end)
            // Exactly what decoding in one go looks at, so that the bits are the same.
            let low = max(0, begin - reach)
            let high = min(due.low + due.tokens.count, end + reach)
            let part = Array(due.tokens[low - due.low..<high - due.low])
            let audio = vqvae.decode(part, range: begin - low..<end - low, level: level, team: team)
            let count = (end - begin) * sound.samplesPerToken
            try sound.append(UnsafeBufferPointer(start: audio.pointer, count: count))
        }
        return settle(stream, decoded: sound.tokens, keeping: reach, more: due.more)
    }

    /// The tokens for the next pieces that are decided, from `low` on, and where the pieces end.
    private func nextPieces(
        of stream: StreamID, from begin: Int, piece: Int, reach: Int
    ) -> (tokens: [UInt16], low: Int, end: Int, more: Bool)? {
        growths.withLock { growths in
            guard var growth = growths?.removeValue(forKey: stream) else { return nil }
            defer { growths?[stream] = growth }
            let decided = growth.have == growth.total ? growth.total : max(0, growth.have - reach) / piece * piece
            let end = min(decided, begin + Self.piecesAtOnce * piece)
            let low = max(0, begin - reach)
            guard end > begin, low >= growth.start else {
                growth.isQueued = false
                growth.decoded = begin
                return nil
            }
            let high = min(growth.have, end + reach)
            let tokens = Array(growth.tokens[low - growth.start..<high - growth.start])
            return (tokens, low, end, end < decided)
        }
    }

    /// What is decoded is forgotten, but for the `keeping` tokens that reach into what comes next.
    private func settle(_ stream: StreamID, decoded: Int?, keeping reach: Int, more: Bool) -> Bool {
        growths.withLock { growths in
            guard var growth = growths?.removeValue(forKey: stream) else { return false }
            if let decoded {
                let keep = min(growth.have, max(growth.start, decoded - reach))
                growth.tokens.removeFirst(keep - growth.start)
                growth.start = keep
            }
            growth.decoded = decoded ?? growth.total
            // Tokens that came meanwhile found the stream queued; look once more.
            growth.isQueued = more || decoded != nil
            growths?[stream] = growth
            return growth.isQueued
        }
    }
}
