import ClusterProtocol
import Foundation
import Testing

@Suite("Two transports joined")
struct JoinedTransportTests {
    /// Ids of both sides may be the same bytes: an answer goes to who asked all the same.
    @Test func `each peer gets its own answer, whichever side it is on`() throws {
        let (outer, inner) = (InMemoryNetwork(), InMemoryNetwork())
        let server = JoinedTransport(outer.makeServer(), inner)
        let (outside, inside) = (outer.makeClient(key: "k"), inner.makeClient())
        #expect(try outside.send([1], to: .coordinator))
        #expect(try inside.send([2], to: .coordinator))
        var messages: [ReceivedMessage] = []
        for _ in 0..<100 where messages.count < 2 {
            messages += try server.receive(timeout: .milliseconds(100), limit: 1)
        }
        try #require(messages.count == 2)
        #expect(Set(messages.map(\.connection)).count == 2)
        for message in messages {
            #expect((message.peerKey == "k") == (message.payload == [1]))
            #expect(try server.send(message.payload + [9], to: message.connection))
        }
        #expect(try outside.receive(timeout: .seconds(120), limit: 4).map(\.payload) == [[1, 9]])
        #expect(try inside.receive(timeout: .seconds(120), limit: 4).map(\.payload) == [[2, 9]])
        server.close()
        #expect(try !inside.send([3], to: .coordinator))
    }

    @Test func `what comes from inside wakes who waits for outside`() throws {
        let (outer, inner) = (InMemoryNetwork(), InMemoryNetwork())
        let server = JoinedTransport(outer.makeServer(), inner)
        Thread {
            usleep(50_000)
            let inside = inner.makeClient()
            _ = try? inside.send([5], to: .coordinator)
        }.start()
        // Far longer than the test may take.
        let start = ContinuousClock.now
        var messages: [ReceivedMessage] = []
        while messages.isEmpty { messages = try server.receive(timeout: .seconds(600), limit: 4) }
        #expect(messages.map(\.payload) == [[5]])
        #expect(start.duration(to: .now) < .seconds(300))
        server.close()
    }
}
