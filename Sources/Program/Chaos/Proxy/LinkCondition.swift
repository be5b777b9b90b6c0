/// What a connection through a proxy suffers.
package struct LinkCondition: Sendable, Hashable {
    /// Whether bytes to the coordinator wait in the proxy.
    package var holdsUp = false
    /// Whether bytes from the coordinator do.
    package var holdsDown = false
    /// In each direction; nil is no limit.
    package var bytesPerSecond: Double?
    /// Seconds that each byte is late.
    package var delay = 0.0
    /// Seconds that bytes are later still, by chance; none overtakes another.
    package var jitter = 0.0
    /// The share of packets that are lost, and come again after TCP has missed them.
    package var loss = 0.0
    /// One bit of a byte is flipped for so many bytes; nil is never.
    package var flipEvery: Int?

    package init() {}

    package static let good = LinkCondition()
    package static var partition: LinkCondition {
        var condition = LinkCondition()
        (condition.holdsUp, condition.holdsDown) = (true, true)
        return condition
    }

    package static func oneWay(up: Bool) -> LinkCondition {
        var condition = LinkCondition()
        (condition.holdsUp, condition.holdsDown) = (up, !up)
        return condition
    }

    package static var slow: LinkCondition {
        var condition = LinkCondition()
        (condition.bytesPerSecond, condition.delay) = (8_000, 0.3)
        return condition
    }

    package static var corrupting: LinkCondition {
        var condition = LinkCondition()
        condition.flipEvery = 1000
        return condition
    }
}

/// What a proxy has done to bytes: how it is known that a fault had an effect.
package struct LinkCounts: Sendable, Hashable {
    package var forwarded = 0
    /// That waited because their direction was held.
    package var held = 0
    /// That came later than they could have.
    package var late = 0
    package var flipped = 0
    /// Connections that were reset or cut.
    package var broken = 0

    package init() {}
}
