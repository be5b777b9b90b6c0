import ClusterProtocol

/// A server's connections: who has them, whether they were heard, and which have to go.
///
/// libzmq accepts whatever comes and says so afterwards. Those that are one too many are hung up on.
struct ConnectionTable {
    struct Entry {
        /// nil when it was gone before it could be looked at.
        let place: PeerPlace?
        /// Its number among all: the oldest has the least.
        let number: UInt64
        fileprivate(set) var isHeard = false
        fileprivate(set) var isShut = false
        fileprivate(set) var key: String?
        fileprivate(set) var connection: ConnectionID?
        /// Bytes of its messages that were taken.
        fileprivate(set) var taken = 0
        /// When it is hung up on: what it is told has to reach it.
        fileprivate(set) var end: ContinuousClock.Instant?

        var address: String { place?.address ?? "" }
    }

    let limits: ConnectionLimits
    private(set) var turnedAway: UInt64 = 0
    private(set) var refusals = RefusalList()
    /// By descriptor.
    private var entries: [Int32: Entry] = [:]
    /// By address, how many were never heard, of those that may stay.
    private var unheard: [String: Int] = [:]
    /// By address, those that were never heard, the oldest first; some of them were, or have gone, since.
    private var queues: [String: Queue] = [:]
    private var allUnheard = 0
    private var made: UInt64 = 0

    /// What a handshake takes beside its messages, and what may be wrong about what messages take.
    private static let (handshake, accuracy) = (4096, 16)
    private static let notice = Duration.seconds(1)

    init(limits: ConnectionLimits) { self.limits = limits }

    var count: ConnectionCount { ConnectionCount(open: entries.count, limit: limits.total, turnedAway: turnedAway) }

    subscript(descriptor: Int32) -> Entry? { entries[descriptor] }

    // MARK: What happens

    mutating func accepted(_ descriptor: Int32, _ place: PeerPlace?) {
        if let known = entries[descriptor] {
            // It was heard before it was told of.
            if known.isHeard, known.place == place { return }
            remove(descriptor)
        }
        made += 1
        entries[descriptor] = Entry(place: place, number: made)
        unheard[place?.address ?? "", default: 0] += 1
        queues[place?.address ?? "", default: Queue()].add(descriptor, made)
        allUnheard += 1
        keepLimits(newest: descriptor)
    }

    mutating func closed(_ descriptor: Int32) -> Entry? { remove(descriptor) }

    /// A message came.
    ///
    /// - Returns: the peer's address.
    @discardableResult
    mutating func heard(_ descriptor: Int32, bytes: Int, key: String?, connection: ConnectionID) -> String {
        if entries[descriptor] == nil {
            made += 1
            entries[descriptor] = Entry(place: PeerPlace(of: descriptor), number: made, isHeard: true)
        }
        if entries[descriptor]?.isHeard == false { forgetUnheard(descriptor) }
        entries[descriptor]?.isHeard = true
        entries[descriptor]?.taken += bytes
        entries[descriptor]?.key = key
        entries[descriptor]?.connection = connection
        return entries[descriptor]?.address ?? ""
    }

    mutating func note(_ refusal: ConnectionRefusal) { refusals.add(refusal) }

    mutating func takeRefusals() -> [ConnectionRefusal] { refusals.take() }

    @discardableResult
    private mutating func remove(_ descriptor: Int32) -> Entry? {
        guard let entry = entries[descriptor] else { return nil }
        forgetUnheard(descriptor)
        entries[descriptor] = nil
        return entry
    }

    private mutating func forgetUnheard(_ descriptor: Int32) {
        guard let entry = entries[descriptor], !entry.isHeard, !entry.isShut else { return }
        allUnheard -= 1
        let left = (unheard[entry.address] ?? 1) - 1
        unheard[entry.address] = left == 0 ? nil : left
        if left == 0 { queues[entry.address] = nil }
    }

    // MARK: Who has to go

    private mutating func keepLimits(newest: Int32) {
        guard let entry = entries[newest] else { return }
        if unheard[entry.address] ?? 0 > limits.unheardOfAddress {
            turnAway(oldestUnheard(of: entry.address), .tooManyConnections)
        } else if allUnheard > limits.unheard || entries.count > limits.total {
            // Whose address has most of them: a flood crowds out itself.
            guard let address = unheard.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return }
            turnAway(oldestUnheard(of: address), .tooManyConnections)
        }
    }

    /// In a time that does not grow with their number: a flood must not be quicker than this.
    private mutating func oldestUnheard(of address: String) -> Int32? {
        while let (descriptor, number) = queues[address]?.first {
            if let entry = entries[descriptor], entry.number == number, !entry.isHeard, !entry.isShut {
                return descriptor
            }
            queues[address]?.removeFirst()
        }
        return nil
    }

    private struct Queue {
        private var items: [(descriptor: Int32, number: UInt64)] = []
        private var begin = 0

        var first: (descriptor: Int32, number: UInt64)? { begin < items.count ? items[begin] : nil }

        mutating func add(_ descriptor: Int32, _ number: UInt64) { items.append((descriptor, number)) }

        mutating func removeFirst() {
            begin += 1
            guard begin > 64, 2 * begin > items.count else { return }
            items.removeFirst(begin)
            begin = 0
        }
    }

    private mutating func turnAway(_ descriptor: Int32?, _ reason: ConnectionRefusal.Reason) {
        guard let descriptor, let entry = entries[descriptor] else { return }
        turnedAway += 1
        refusals.add(ConnectionRefusal(address: entry.address, key: entry.key, reason: reason))
        shut(descriptor)
    }

    private mutating func shut(_ descriptor: Int32) {
        guard let entry = entries[descriptor], !entry.isShut else { return }
        forgetUnheard(descriptor)
        entries[descriptor]?.isShut = true
        entry.place?.hangUp(descriptor)
    }

    /// Hangs up on a connection for what came over it.
    mutating func turnAway(_ connection: ConnectionID, _ reason: ConnectionRefusal.Reason) {
        turnAway(entries.first { $0.value.connection == connection && !$0.value.isShut }?.key, reason)
    }

    /// Connections whose keys are not allowed any more end soon.
    ///
    /// - Returns: those that were not told so before.
    mutating func expel(now: ContinuousClock.Instant, where isUnwanted: (String) -> Bool) -> [Entry] {
        var expelled: [Entry] = []
        for (descriptor, entry) in entries where entry.end == nil {
            guard let key = entry.key, isUnwanted(key) else { continue }
            entries[descriptor]?.end = now + Self.notice
            expelled.append(entry)
        }
        return expelled
    }

    /// Looks at all connections, now and then.
    ///
    /// - Parameter received: bytes that came over one.
    mutating func inspect(now: ContinuousClock.Instant, received: (Int32) -> Int?) {
        for (descriptor, entry) in entries where !entry.isShut {
            if let end = entry.end, end <= now { shut(descriptor) }
            guard let bytes = received(descriptor) else { continue }
            // One message of frames without end is no message for libzmq, and is kept without bound.
            let most = entry.taken + entry.taken / Self.accuracy + Self.handshake + limits.backlog
            if bytes > most, entry.place == PeerPlace(of: descriptor) { turnAway(descriptor, .tooMuchAtOnce) }
        }
    }
}
