import Glibc

/// The connections of a proxy, of its thread alone.
struct ProxyLoop {
    /// What the next turn is to do.
    struct Order {
        var condition: LinkCondition
        var resets: Bool
        var cuts: Bool
        var ends: Bool
    }

    private struct Connection {
        let worker: Int32
        let coordinator: Int32
        var up = Direction(isUp: true)
        var down = Direction(isUp: false)
        var isBroken = false
    }

    private let listener: Int32
    private let target: UInt16
    private var connections: [Connection] = []
    private var dice: Dice
    private var counts = LinkCounts()
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    /// Milliseconds after which a turn ends, so that a changed order is seen.
    private static let pause: Int32 = 10

    init(listener: Int32, target: UInt16, seed: UInt64) {
        (self.listener, self.target) = (listener, target)
        dice = Dice(seed: seed)
    }

    mutating func takeCounts() -> LinkCounts {
        defer { counts = LinkCounts() }
        return counts
    }

    /// Waits for bytes, and moves them.
    ///
    /// - Returns: false after the order to end.
    mutating func turn(_ order: Order) -> Bool {
        if order.resets || order.ends { breakAll() }
        guard !order.ends else {
            close(listener)
            return false
        }
        wait(order.condition)
        while connections.count < 64, let worker = Sockets.accept(listener) { open(worker) }
        let now = Self.seconds()
        var cuts = order.cuts
        for place in connections.indices {
            var connection = connections[place]
            move(&connection, order.condition, now, cuts: &cuts)
            connections[place] = connection
        }
        connections.removeAll { connection in
            guard connection.isBroken || (connection.up.isClosed && connection.down.isClosed) else { return false }
            close(connection.worker)
            close(connection.coordinator)
            return true
        }
        return true
    }

    private func wait(_ condition: LinkCondition) {
        var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        for connection in connections {
            polled.append(entry(connection.worker, reads: connection.up, writes: connection.down, condition))
            polled.append(entry(connection.coordinator, reads: connection.down, writes: connection.up, condition))
        }
        poll(&polled, nfds_t(polled.count), Self.pause)
        // A peer that has hung up while nothing may be read of it would be told again at once.
        if polled.dropFirst().contains(where: { $0.events == 0 && $0.revents != 0 }) {
            usleep(useconds_t(Self.pause) * 1000)
        }
    }

    private func entry(
        _ descriptor: Int32, reads: Direction, writes: Direction, _ condition: LinkCondition
    ) -> pollfd {
        // With a condition, what waits may not go just because there is room for it: the pause of a turn looks again.
        let mayWrite = writes.count > 0 && condition == .good
        let events = (reads.hasRoom ? POLLIN : 0) | (mayWrite ? POLLOUT : 0)
        return pollfd(fd: descriptor, events: Int16(events), revents: 0)
    }

    private mutating func open(_ worker: Int32) {
        guard let coordinator = Sockets.connect(to: target) else { return Sockets.reset(worker) }
        connections.append(Connection(worker: worker, coordinator: coordinator))
    }

    private mutating func breakAll() {
        counts.broken += connections.count
        for connection in connections {
            Sockets.reset(connection.worker)
            Sockets.reset(connection.coordinator)
        }
        connections = []
    }

    private mutating func move(
        _ connection: inout Connection, _ condition: LinkCondition, _ now: Double, cuts: inout Bool
    ) {
        let (worker, coordinator) = (connection.worker, connection.coordinator)
        let came = read(worker, &connection.up, condition, now) + read(coordinator, &connection.down, condition, now)
        // Before bytes have come, there is no message to cut.
        if cuts, came > 1 {
            cuts = false
            connection.up.cutInHalf()
            connection.down.cutInHalf()
            counts.broken += 1
            connection.isBroken = true
        }
        if !write(coordinator, &connection.up, condition, now) || !write(worker, &connection.down, condition, now) {
            connection.isBroken = true
        }
    }

    /// - Returns: how many bytes came.
    private mutating func read(
        _ descriptor: Int32, _ direction: inout Direction, _ condition: LinkCondition, _ now: Double
    ) -> Int {
        var came = 0
        while direction.hasRoom {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                came += count
                direction.take(Array(buffer[..<count]), condition, at: now, &dice, &counts)
                continue
            }
            if count == 0 || ![EAGAIN, EINTR, ENOTCONN].contains(errno) { direction.isAtEnd = true }
            break
        }
        return came
    }

    /// - Returns: false when the connection is broken.
    private mutating func write(
        _ descriptor: Int32, _ direction: inout Direction, _ condition: LinkCondition, _ now: Double
    ) -> Bool {
        var isWhole = true
        direction.send(condition, at: now, &counts) { bytes in
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, ![EAGAIN, EINTR, ENOTCONN].contains(errno) { isWhole = false }
            return count
        }
        if direction.isDone, !direction.isClosed {
            direction.isClosed = true
            shutdown(descriptor, Int32(SHUT_WR))
        }
        return isWhole
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
