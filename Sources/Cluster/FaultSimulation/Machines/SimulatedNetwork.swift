import ClusterProtocol

/// Which way a message goes.
enum Way: Hashable, Sendable { case toCoordinator, toWorker }

/// A message on its way.
struct Packet {
    var link: Int
    var connection: ConnectionID
    var way: Way
    var payload: [UInt8]
}

/// How badly a link treats messages: shares of 1.
struct LinkQuality: Hashable, Sendable {
    var drop = 0.0
    var duplicate = 0.0
    /// Later messages overtake it.
    var delay = 0.0
    /// Some bits change.
    var flip = 0.0
}

/// What lies between workers and the coordinator: a link each, and whatever a link does to messages.
final class SimulatedNetwork {
    struct Counts: Sendable, Hashable {
        var messages = 0
        var dropped = 0
        var duplicated = 0
        var delayed = 0
        var flipped = 0
        var blocked = 0
        var lostWithConnection = 0
    }

    private struct Link {
        /// nil while there is none.
        var connection: ConnectionID?
        var quality = LinkQuality()
        /// Nothing comes through this way.
        var blocked: Set<Way> = []
        /// Whether what is blocked comes later, as long as the connection lasts.
        var isHolding = false
        var held: [Packet] = []
        /// When the last message of each way arrives: the next one does not overtake it.
        var last: [Way: Double] = [:]
    }

    private var links: [Link]
    private var dice: Dice
    private let clock: VirtualClock
    private var connections = 0
    /// Seconds that every message takes at least.
    var latency = 0.0
    /// Those that the coordinator does not know to be gone.
    private var known: [ConnectionID: Int] = [:]
    private(set) var counts = Counts()
    /// How many messages are on their way, and the most there were.
    private(set) var inFlight = 0
    private(set) var most = 0
    /// Puts a message on its way: it arrives after so many seconds.
    var launch: (Packet, _ after: Double) -> Void = { _, _ in }

    init(links count: Int, clock: VirtualClock, dice: Dice) {
        links = Array(repeating: Link(), count: count)
        self.clock = clock
        self.dice = dice
    }

    // MARK: Connections

    func isUp(_ link: Int) -> Bool { links[link].connection != nil }

    /// A link has a connection from now on, another than before.
    func connect(_ link: Int) {
        disconnect(link)
        connections += 1
        let id = ConnectionID(
            bytes: [UInt8(link + 1), UInt8(connections & 255), UInt8(connections >> 8 & 255), UInt8(connections >> 16)])
        links[link].connection = id
        links[link].last = [:]
        known[id] = link
    }

    /// A link's connection ends, with all that is on its way. The coordinator hears of it when `forget` is called.
    @discardableResult
    func disconnect(_ link: Int) -> ConnectionID? {
        counts.lostWithConnection += links[link].held.count
        links[link].held = []
        defer { links[link].connection = nil }
        return links[link].connection
    }

    func forget(_ connection: ConnectionID) { known[connection] = nil }
    func forgetAll() { known = [:] }

    // MARK: Messages

    /// - Returns: whether it was taken; it may be lost all the same.
    func send(_ payload: [UInt8], from link: Int) -> Bool {
        guard let connection = links[link].connection else { return false }
        send(Packet(link: link, connection: connection, way: .toCoordinator, payload: payload))
        return true
    }

    func send(_ payload: [UInt8], to connection: ConnectionID) -> Bool {
        guard let link = known[connection] else { return false }
        send(Packet(link: link, connection: connection, way: .toWorker, payload: payload))
        return true
    }

    private func send(_ packet: Packet) {
        counts.messages += 1
        let link = links[packet.link]
        guard link.connection == packet.connection else {
            counts.lostWithConnection += 1
            return
        }
        if link.blocked.contains(packet.way) {
            counts.blocked += 1
            if link.isHolding { links[packet.link].held.append(packet) }
            return
        }
        let quality = link.quality
        if dice.happens(quality.drop) {
            counts.dropped += 1
            return
        }
        let isDoubled = dice.happens(quality.duplicate)
        if isDoubled { counts.duplicated += 1 }
        for _ in 0..<(isDoubled ? 2 : 1) { fly(packet, quality) }
    }

    private func fly(_ packet: Packet, _ quality: LinkQuality) {
        var packet = packet
        if dice.happens(quality.flip), !packet.payload.isEmpty {
            counts.flipped += 1
            for _ in 0..<dice.number(1...3) {
                packet.payload[dice.number(0...packet.payload.count - 1)] ^= 1 << UInt8(dice.number(0...7))
            }
        }
        var delay = latency + dice.between(0.000_2, 0.003)
        if dice.happens(quality.delay) {
            counts.delayed += 1
            delay += dice.between(0.01, 1.5)
        } else {
            let arrival = max(clock.seconds + delay, links[packet.link].last[packet.way] ?? 0)
            links[packet.link].last[packet.way] = arrival
            delay = arrival - clock.seconds
        }
        inFlight += 1
        most = max(most, inFlight)
        launch(packet, delay)
    }

    /// A message is at its end.
    ///
    /// - Returns: false when its connection is gone.
    func arrive(_ packet: Packet) -> Bool {
        inFlight -= 1
        guard links[packet.link].connection == packet.connection else {
            counts.lostWithConnection += 1
            return false
        }
        return true
    }

    // MARK: Faults

    func setQuality(_ quality: LinkQuality, of link: Int) { links[link].quality = quality }

    func block(_ link: Int, _ ways: Set<Way>, isHolding: Bool) {
        links[link].blocked = ways
        links[link].isHolding = isHolding
    }

    func unblock(_ link: Int) {
        links[link].blocked = []
        let held = links[link].held
        links[link].held = []
        for packet in held where packet.connection == links[link].connection { fly(packet, LinkQuality()) }
    }
}

/// A worker's end of its link.
final class WorkerTransport: Transport {
    private struct NobodyWaits: Waker {
        func wake() {}
    }

    private let network: SimulatedNetwork
    private let link: Int
    private var inbox: [ReceivedMessage] = []

    init(_ network: SimulatedNetwork, link: Int) { (self.network, self.link) = (network, link) }

    func deliver(_ payload: [UInt8]) {
        inbox.append(ReceivedMessage(connection: .coordinator, peerKey: nil, payload: payload))
    }

    var hasMail: Bool { !inbox.isEmpty }
    var waker: any Waker { NobodyWaits() }
    var status: ConnectionStatus { network.isUp(link) ? .connected : .connecting }
    func close() {}

    func receive(timeout: Duration, limit: Int) -> [ReceivedMessage] {
        defer { inbox.removeFirst(min(limit, inbox.count)) }
        return Array(inbox.prefix(limit))
    }

    func send(_ payload: [UInt8], to connection: ConnectionID) -> Bool { network.send(payload, from: link) }
}
