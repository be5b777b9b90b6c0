package import ClusterProtocol
import ModelTestSupport
import Synchronization

/// How often a message is treated badly, each way: shares of 1.
package struct MessageFaults: Sendable, Hashable {
    package var drop: Double
    package var duplicate: Double
    /// Up to eight later messages overtake it.
    package var reorder: Double
    /// One to three of its bits change.
    package var flip: Double

    package init(drop: Double = 0, duplicate: Double = 0, reorder: Double = 0, flip: Double = 0) {
        self.drop = drop
        self.duplicate = duplicate
        self.reorder = reorder
        self.flip = flip
    }

    package static let tenth = MessageFaults(drop: 0.1, duplicate: 0.1, reorder: 0.1, flip: 0.1)
}

/// What was done to messages, of any number of transports. Any thread.
package final class FaultLedger: Sendable {
    package struct Counts: Sendable, Hashable {
        package var messages = 0
        package var dropped = 0
        package var duplicated = 0
        package var reordered = 0
        package var flipped = 0
    }

    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    fileprivate func note(_ change: (inout Counts) -> Void) { state.withLock { change(&$0) } }
}

/// A transport whose messages are dropped, doubled, overtaken and changed by the dice, in both directions: worse than any
/// network may be, since `Transport` promises order. What it did is in its ledger.
package final class LossyTransport: Transport {
    private let inner: any Transport
    private var outgoing: Fate<(payload: [UInt8], connection: ConnectionID)>
    private var incoming: Fate<ReceivedMessage>
    /// What came over the limit of one `receive`.
    private var ready: [ReceivedMessage] = []
    private let longestWait: Duration

    /// - Parameter longestWait: of one `receive`, so that its owner does what is due more often, and says more.
    package init(
        _ inner: any Transport, faults: MessageFaults, seed: UInt64, ledger: FaultLedger,
        longestWait: Duration = .milliseconds(5)
    ) {
        self.inner = inner
        self.longestWait = longestWait
        outgoing = Fate(faults: faults, dice: SplitMix64(seed: seed), ledger: ledger)
        incoming = Fate(faults: faults, dice: SplitMix64(seed: seed &+ 0x5EED), ledger: ledger)
    }

    package var waker: any Waker { inner.waker }
    package var status: ConnectionStatus { inner.status }
    package var connections: ConnectionCount? { inner.connections }
    package func close() { inner.close() }
    package func takeRefusals() -> [ConnectionRefusal] { inner.takeRefusals() }
    package func hangUp(on connection: ConnectionID) { inner.hangUp(on: connection) }

    package func receive(timeout: Duration, limit: Int) throws -> [ReceivedMessage] {
        for message in outgoing.rest() { _ = try inner.send(message.payload, to: message.connection) }
        let messages = try inner.receive(timeout: ready.isEmpty ? min(timeout, longestWait) : .zero, limit: limit)
        for message in messages { ready += incoming.treat(message) { $0.payload = $1($0.payload) } }
        // Silence ends every delay.
        if messages.isEmpty { ready += incoming.rest() }
        defer { ready.removeFirst(min(limit, ready.count)) }
        return Array(ready.prefix(limit))
    }

    /// - Returns: true for what is dropped, too: nobody is told.
    package func send(_ payload: [UInt8], to connection: ConnectionID) throws -> Bool {
        var isTaken = true
        for message in outgoing.treat((payload, connection), flip: { $0.payload = $1($0.payload) }) {
            isTaken = try inner.send(message.payload, to: message.connection) && isTaken
        }
        return isTaken
    }
}

/// What becomes of the messages of one direction.
private struct Fate<Message> {
    let faults: MessageFaults
    var dice: SplitMix64
    let ledger: FaultLedger
    private var late: [(message: Message, after: Int)] = []
    private var count = 0

    init(faults: MessageFaults, dice: SplitMix64, ledger: FaultLedger) {
        self.faults = faults
        self.dice = dice
        self.ledger = ledger
    }

    private mutating func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &dice) < share }

    /// - Parameter flip: puts a changed payload into a message.
    /// - Returns: what arrives now, this message or others.
    mutating func treat(_ message: Message, flip: (inout Message, ([UInt8]) -> [UInt8]) -> Void) -> [Message] {
        count += 1
        ledger.note { $0.messages += 1 }
        var arriving: [Message] = []
        if happens(faults.drop) {
            ledger.note { $0.dropped += 1 }
        } else {
            let isDoubled = happens(faults.duplicate)
            if isDoubled { ledger.note { $0.duplicated += 1 } }
            for var copy in isDoubled ? [message, message] : [message] {
                if happens(faults.flip) {
                    ledger.note { $0.flipped += 1 }
                    flip(&copy) { changed($0) }
                }
                if happens(faults.reorder) {
                    ledger.note { $0.reordered += 1 }
                    late.append((copy, count + Int.random(in: 1...8, using: &dice)))
                } else {
                    arriving.append(copy)
                }
            }
        }
        let due = late.filter { $0.after <= count }.map(\.message)
        late.removeAll { $0.after <= count }
        return arriving + due
    }

    /// All that waits.
    mutating func rest() -> [Message] {
        defer { late = [] }
        return late.map(\.message)
    }

    private mutating func changed(_ payload: [UInt8]) -> [UInt8] {
        guard !payload.isEmpty else { return payload }
        var bytes = payload
        for _ in 0..<Int.random(in: 1...3, using: &dice) {
            bytes[Int.random(in: bytes.indices, using: &dice)] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
        }
        return bytes
    }
}
