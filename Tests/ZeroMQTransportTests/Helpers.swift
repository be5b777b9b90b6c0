import ClusterProtocol
import Glibc
import Testing

func waitBriefly() {
    usleep(2_000)
}

/// How long a test waits for what must happen.
let patience = Duration.seconds(120)

/// How long a test waits for what must not happen. Much longer than a handshake on one machine.
let doubt = Duration.milliseconds(400)

/// What arrived at a server while something else went on.
struct Inbox {
    var messages: [ReceivedMessage] = []

    mutating func collect(from transport: any Transport, for time: Duration = .zero) throws {
        messages += try transport.receive(timeout: time, limit: 100)
    }
}

/// Sends to the server, which has nothing to say meanwhile, as soon as the connection takes it, while the
/// server goes on receiving.
func send(
    _ payload: [UInt8], from client: any Transport, serving server: (any Transport)?, into inbox: inout Inbox,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let deadline = ContinuousClock.now + patience
    while try !client.send(payload, to: .coordinator) {
        if let server { try inbox.collect(from: server) }
        // A client works on its connection while it receives.
        #expect(try client.receive(timeout: .milliseconds(2), limit: 1) == [], sourceLocation: sourceLocation)
        try #require(
            ContinuousClock.now < deadline, "the client never connected", sourceLocation: sourceLocation)
    }
}

/// Receives until there are `count` messages in all.
func receive(
    _ count: Int, at transport: any Transport, into inbox: inout Inbox,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let deadline = ContinuousClock.now + patience
    while inbox.messages.count < count {
        try inbox.collect(from: transport, for: .milliseconds(50))
        try #require(
            ContinuousClock.now < deadline, "not all messages arrived", sourceLocation: sourceLocation)
    }
}

/// One `receive`, and how long it took.
func timedReceive(
    at transport: any Transport, timeout: Duration
) throws -> (messages: [ReceivedMessage], waited: Duration) {
    let start = ContinuousClock.now
    let messages = try transport.receive(timeout: timeout, limit: 1)
    return (messages, start.duration(to: .now))
}

/// The connection that a client has, found by having it say something.
func connect(
    _ client: any Transport, to server: any Transport, sourceLocation: SourceLocation = #_sourceLocation
) throws -> ConnectionID {
    var inbox = Inbox()
    let greeting = (0..<8).map { _ in UInt8.random(in: 0...255) }
    try send(greeting, from: client, serving: server, into: &inbox, sourceLocation: sourceLocation)
    try receive(max(1, inbox.messages.count), at: server, into: &inbox, sourceLocation: sourceLocation)
    return try #require(inbox.messages.last { $0.payload == greeting }, sourceLocation: sourceLocation)
        .connection
}

/// Runs on a thread of its own, as the threads do that wake a transport.
func onAnotherThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(result == 0)
    return thread
}
