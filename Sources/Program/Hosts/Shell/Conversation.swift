import Foundation
import Spawning

/// A child that is fed and heard until it ends.
final class Conversation {
    private let pid: pid_t
    private var (input, output, complaints): (Int32, Int32, Int32)
    private var status: Int32?

    /// A child that takes no more is told by its end, and not by a signal that would end this program.
    private static let ignoresPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    /// - Throws: `HostFault` where it cannot be started.
    init(_ command: [String]) throws {
        Self.ignoresPipes
        do {
            let (input, output, complaints) = try (Spawn.pipe(), Spawn.pipe(), Spawn.pipe())
            defer { for end in [input.reading, output.writing, complaints.writing] { close(end) } }
            (self.input, self.output, self.complaints) = (input.writing, output.reading, complaints.reading)
            do {
                pid = try Spawn(
                    command: command, input: input.reading, output: output.writing, error: complaints.writing
                ).start()
            } catch {
                for end in [input.writing, output.reading, complaints.reading] { close(end) }
                throw error
            }
        } catch let error as SpawnError {
            throw HostFault(
                error.code == ENOENT
                    ? "there is no program \(command[0]) here; install it (Debian: openssh-client)"
                    : "\(command[0]) cannot be started: \(error)")
        }
        for end in [input, output, complaints] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            _ = Spawn.reap(pid)
        }
        for end in [input, output, complaints] where end >= 0 { close(end) }
    }

    /// - Parameters:
    ///   - bound: for all of it.
    ///   - stall: in which something must be taken or said.
    ///   - most: bytes of output.
    ///   - next: what it is fed; nil at the end.
    /// - Returns: its exit code, and what it said.
    /// - Throws: `HostFault` when it takes too long or says too much, and what `next` throws.
    func finish(
        bound: Duration, stall: Duration, most: Int, next: () throws -> [UInt8]?
    ) throws -> (code: Int32, output: String, said: String) {
        var (heard, said, waiting): ([UInt8], [UInt8], ArraySlice<UInt8>) = ([], [], [])
        let end = ContinuousClock.now + bound
        var quiet = ContinuousClock.now + stall
        while true {
            if input >= 0, waiting.isEmpty {
                if let more = try next() { waiting = more[...] } else { shut(&input) }
            }
            // Whoever it leaves behind may hold its output: so its end counts, and not that of what it says.
            if status == nil { status = Spawn.reap(pid, WNOHANG) }
            let hasEnded = status != nil
            let moved = try exchange(&waiting, &heard, &said, wait: !hasEnded)
            if moved { quiet = .now + stall }
            guard heard.count <= most else { throw HostFault("it says more than any answer has") }
            if said.count > 1 << 16 { said.removeFirst(said.count - 1 << 15) }
            if hasEnded, !moved { break }
            guard ContinuousClock.now < min(end, quiet) else {
                throw HostFault("it did not answer in \(Int(min(bound, stall) / .seconds(1))) s")
            }
        }
        return (
            Spawn.ending(status ?? 0), String(decoding: heard, as: UTF8.self), String(decoding: said, as: UTF8.self)
        )
    }

    private func shut(_ end: inout Int32) {
        if end >= 0 { close(end) }
        end = -1
    }

    /// - Returns: whether anything came or went.
    private func exchange(
        _ waiting: inout ArraySlice<UInt8>, _ heard: inout [UInt8], _ said: inout [UInt8], wait: Bool
    ) throws -> Bool {
        var places = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: complaints, events: Int16(POLLIN), revents: 0),
            pollfd(fd: waiting.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
        ]
        guard poll(&places, 3, wait ? 100 : 0) > 0 else { return false }
        var moved = false
        if places[0].revents != 0 { moved = take(&output, &heard) || moved }
        if places[1].revents != 0 { moved = take(&complaints, &said) || moved }
        if places[2].revents != 0 {
            let count = waiting.withUnsafeBytes { write(input, $0.baseAddress, min($0.count, 1 << 16)) }
            if count > 0 {
                waiting.removeFirst(count)
                moved = true
            } else if count < 0, errno != EAGAIN, errno != EINTR {
                // It takes no more; its end says why.
                waiting = []
                shut(&input)
            }
        }
        return moved
    }

    private func take(_ end: inout Int32, _ bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(end, &buffer, buffer.count)
        if count > 0 { bytes += buffer[..<count] }
        if count == 0 { shut(&end) }
        return count > 0
    }
}
