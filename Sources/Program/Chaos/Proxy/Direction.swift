import Glibc

/// One direction of a proxied connection: bytes that came and may not go on yet, at most `limit` of them.
///
/// It reads no clock: time is an argument, in seconds.
struct Direction {
    static let limit = 256 << 10

    private struct Piece {
        var bytes: [UInt8]
        var due: Double
    }

    let isUp: Bool
    private var pieces: [Piece] = []
    /// Of the first piece, that went on already.
    private var sent = 0
    private(set) var count = 0
    private var allowance = 0.0
    /// When the bytes that came last may go on: the next do not overtake them.
    private var lastDue = 0.0
    /// What TCP waits at least before it sends a packet again.
    private static let retransmission = 0.2
    private static let packet = 1448
    private var lastGrant: Double?
    private var untilFlip: Int?
    /// Whether the source said that nothing more comes.
    var isAtEnd = false
    /// Whether the destination was told so.
    var isClosed = false

    init(isUp: Bool) { self.isUp = isUp }

    var hasRoom: Bool { count < Self.limit && !isAtEnd }
    var isDone: Bool { isAtEnd && count == 0 }

    private func isHeld(_ condition: LinkCondition) -> Bool { isUp ? condition.holdsUp : condition.holdsDown }

    /// Bytes came from the source.
    mutating func take(
        _ bytes: [UInt8], _ condition: LinkCondition, at now: Double, _ dice: inout Dice, _ counts: inout LinkCounts
    ) {
        var bytes = bytes
        flip(&bytes, condition, &dice, &counts)
        if isHeld(condition) { counts.held += bytes.count }
        if condition.delay > 0 { counts.late += bytes.count }
        lastDue = max(lastDue, now + condition.delay + lateness(bytes.count, condition, &dice))
        pieces.append(Piece(bytes: bytes, due: lastDue))
        count += bytes.count
    }

    /// What chance adds.
    private func lateness(_ bytes: Int, _ condition: LinkCondition, _ dice: inout Dice) -> Double {
        func share() -> Double { Double(dice.next() >> 11) / Double(1 << 53) }
        var late = condition.jitter > 0 ? condition.jitter * share() : 0
        guard condition.loss > 0 else { return late }
        for _ in stride(from: 0, to: bytes, by: Self.packet) where share() < condition.loss {
            late += Self.retransmission + 2 * condition.delay
        }
        return late
    }

    private mutating func flip(
        _ bytes: inout [UInt8], _ condition: LinkCondition, _ dice: inout Dice, _ counts: inout LinkCounts
    ) {
        guard let every = condition.flipEvery else { return untilFlip = nil }
        for place in bytes.indices {
            let left = untilFlip ?? Int(dice.next() % UInt64(every))
            untilFlip = left - 1
            guard left <= 0 else { continue }
            bytes[place] ^= 1 << UInt8(dice.next() % 8)
            counts.flipped += 1
            untilFlip = nil
        }
    }

    /// How many bytes may go on now.
    private mutating func allowed(_ condition: LinkCondition, at now: Double, _ counts: inout LinkCounts) -> Int {
        guard count > 0, !isHeld(condition) else { return 0 }
        var due = -sent
        for piece in pieces {
            guard piece.due <= now else { break }
            due += piece.bytes.count
        }
        guard let rate = condition.bytesPerSecond else {
            lastGrant = nil
            return max(0, due)
        }
        // A quarter of a second's bytes may go at once.
        allowance = min(rate / 4, allowance + (now - (lastGrant ?? now)) * rate)
        lastGrant = now
        let granted = min(max(0, due), Int(allowance))
        if granted < due { counts.late += 1 }
        return granted
    }

    /// Hands on what may go.
    ///
    /// - Parameter write: gets bytes, and says how many it took.
    mutating func send(
        _ condition: LinkCondition, at now: Double, _ counts: inout LinkCounts, write: (ArraySlice<UInt8>) -> Int
    ) {
        var left = allowed(condition, at: now, &counts)
        while left > 0, let first = pieces.first {
            let end = min(first.bytes.count, sent + left)
            let taken = write(first.bytes[sent..<end])
            guard taken > 0 else { return }
            (left, sent, count) = (left - taken, sent + taken, count - taken)
            if condition.bytesPerSecond != nil { allowance -= Double(taken) }
            counts.forwarded += taken
            if sent == first.bytes.count {
                pieces.removeFirst()
                sent = 0
            } else if sent < end {
                return
            }
        }
    }

    /// Keeps the first half of what waits.
    mutating func cutInHalf() {
        let all = Array(pieces.flatMap(\.bytes).dropFirst(sent))
        (pieces, sent, count) = ([Piece(bytes: Array(all.prefix(all.count / 2)), due: 0)], 0, all.count / 2)
        if count == 0 { pieces = [] }
    }
}
