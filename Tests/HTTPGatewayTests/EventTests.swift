import ClusterProtocol
import ClusterTestSupport
import Foundation
import HTTPGateway
import ModelTestSupport
import Synchronization
import Testing

@Suite("Events over HTTP")
struct EventTests {
    /// A coordinator with one song that goes on at each look, and then is finished.
    private static func world(mostListeners: Int = 100, finishedAt end: Int = 4) throws -> GatewayWorld {
        let looks = Counter()
        return try GatewayWorld(mostListeners: mostListeners) { kind, reply in
            guard case .status(let query) = kind else { return }
            let look = looks.next()
            var song = WireSongStatus()
            (song.song, song.songState) = ("waltz", look < end ? .sampling : .finished)
            (song.sampledTokens, song.wantedTokens) = (UInt64(min(look, end)), UInt64(end))
            guard query.song.isEmpty || query.song == "waltz" else {
                (reply.error, reply.errorKind) = ("there is no such song", .notFound)
                return
            }
            if !query.unfinished || look < end { reply.status.songs = [song] }
        }
    }

    private struct Event {
        var id: String
        var kind: String
        var data: String
    }

    private static func events(_ text: String) -> [Event] {
        text.components(separatedBy: "\n\n").compactMap { block in
            func field(_ name: String) -> String? {
                block.split(separator: "\n").first { $0.hasPrefix("\(name): ") }.map {
                    String($0.dropFirst(name.count + 2))
                }
            }
            guard let id = field("id"), let kind = field("event"), let data = field("data") else { return nil }
            return Event(id: id, kind: kind, data: data)
        }
    }

    @Test func `a listener hears of each change of a song, and the stream ends with it`() async throws {
        let world = try Self.world()
        let response = await world.ask("GET", "/api/v1/songs/waltz/events")
        #expect(response.fields["Content-Type"] == "text/event-stream")
        let events = Self.events(try await response.text())
        #expect(events.count > 1)
        #expect(events.allSatisfy { $0.kind == "song" })
        #expect(Set(events.map(\.id)).count == events.count)
        #expect(try #require(events.last).data.contains("\"finished\""))
        #expect(!events.dropLast().contains { $0.data.contains("\"finished\"") })
    }

    @Test func `who comes back with the last id hears only of what is new`() async throws {
        let world = try Self.world(finishedAt: 1)
        let events = Self.events(try await world.ask("GET", "/api/v1/songs/waltz/events").text())
        let last = try #require(events.last)
        let again = await world.ask("GET", "/api/v1/songs/waltz/events", fields: ["Last-Event-ID": last.id])
        #expect(Self.events(try await again.text()).isEmpty)
        // An id of another gateway means nothing here: all is told again.
        let other = await world.ask("GET", "/api/v1/songs/waltz/events", fields: ["Last-Event-ID": "0-9"])
        #expect(Self.events(try await other.text()).count == 1)
    }

    /// Song "waltz" is finished and then gone, taken away by somebody else; "polka" is sampled for ever.
    private static func worldOfTwo() throws -> (GatewayWorld, Flag) {
        let isGone = Flag()
        let world = try GatewayWorld { kind, reply in
            switch kind {
            case .status(let query):
                var (waltz, polka) = (WireSongStatus(), WireSongStatus())
                (waltz.song, waltz.songState, polka.song, polka.songState) = ("waltz", .finished, "polka", .sampling)
                var songs = isGone.value || query.unfinished ? [polka] : [polka, waltz]
                if !query.song.isEmpty { songs = songs.filter { $0.song == query.song } }
                reply.status.songs = songs
            case .remove:
                isGone.value = true
                reply.removed.wasRunning = false
            default: reply.error = "not in this test"
            }
        }
        return (world, isGone)
    }

    /// What a listener to all songs hears, until it hears that the song is gone.
    private static func heardRemoval(_ world: GatewayWorld, _ act: () async -> Void) async throws -> Bool {
        // It is known from a look at it.
        _ = try await world.ask("GET", "/api/v1/songs/waltz/events").text()
        let response = await world.ask("GET", "/api/v1/events")
        guard case .stream(_, let write) = response.body else { return false }
        let heard = Mutex("")
        let listening = Task {
            try await write(
                HTTPWriter { bytes in heard.withLock { $0 += String(decoding: bytes, as: UTF8.self) } })
        }
        defer { listening.cancel() }
        await act()
        let deadline = ContinuousClock.now + .seconds(120)
        while !heard.withLock({ $0.contains("event: removed\ndata: {\"song\":\"waltz\"}") }) {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    @Test func `that a finished song was removed is heard, whoever did it`() async throws {
        let (world, _) = try Self.worldOfTwo()
        var status: HTTPStatus?
        let isHeard = try await Self.heardRemoval(world) {
            status = await world.ask("DELETE", "/api/v1/songs/waltz").status
        }
        #expect(isHeard && status == .noContent)
        let (other, isGone) = try Self.worldOfTwo()
        #expect(try await Self.heardRemoval(other) { isGone.value = true })
    }

    @Test func `a song that there is not is told before the stream begins`() async throws {
        #expect(await (try Self.world()).ask("GET", "/api/v1/songs/polka/events").status == .notFound)
    }

    @Test func `too many listeners are told to come later`() async throws {
        let world = try Self.world(mostListeners: 1, finishedAt: .max)
        let first = await world.ask("GET", "/api/v1/events")
        #expect(first.status == .ok)
        #expect(await world.ask("GET", "/api/v1/events").status == .tooManyRequests)
        withExtendedLifetime(first) {}
    }
}

/// True or false, from any thread.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
