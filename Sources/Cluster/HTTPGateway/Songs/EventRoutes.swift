import ClusterClient
import Synchronization

/// What happens to songs, as server-sent events: `song` with the song's fields, and `removed`.
struct EventRoutes {
    let watch: SongWatch
    let listeners: ListenerCount

    var routes: [Route] {
        [
            Route("GET", "/api/v1/events", role: .viewer) { try await self.events($0, of: nil) },
            Route("GET", "\(SongRoutes.ofSong)/events", role: .viewer) { request in
                let song = try request.song()
                try await self.watch.look(at: song)
                return try await self.events(request, of: song)
            },
        ]
    }

    /// A comment goes out this often, so that a connection that is dead is noticed.
    private static let ping = Duration.seconds(15)
    /// A listener hears no more often than this, and all together not more than so many times a second: each time costs the
    /// system a write, whatever is in it.
    private static let (pace, mostWrites) = (Duration.seconds(1), 400)

    private func events(_ request: RouteRequest, of song: String?) async throws -> HTTPResponse {
        let start = number(request.request.fields["Last-Event-ID"])
        let (watch, place) = (watch, try listeners.enter())
        let body: @Sendable (HTTPWriter) async throws -> Void = { writer in
            defer { place.leave() }
            // So that a client knows at once that it is connected, and how soon to come back.
            try await writer.write(Array("retry: 2000\n\n".utf8))
            var heard = start
            var pinged = ContinuousClock.now
            var told = pinged - Self.pace
            var text: [UInt8] = []
            while true {
                let changes = await watch.changes(after: heard, of: song)
                // All in one go, which costs a listener of many songs no more than one.
                if !changes.list.isEmpty {
                    text.removeAll(keepingCapacity: true)
                    for change in changes.list { text += change.event }
                    try await writer.write(text)
                    told = .now
                }
                // There is nothing more to tell of a song that has ended.
                if changes.hasEnded { return }
                heard = changes.number
                if !changes.list.isEmpty { pinged = .now }
                if pinged.duration(to: .now) >= Self.ping {
                    try await writer.write(Array(": ping\n\n".utf8))
                    pinged = .now
                }
                let pause = max(Self.pace, .seconds(1) * listeners.number / Self.mostWrites)
                await watch.wait(after: heard, notBefore: told + pause, atMost: Self.ping)
                try Task.checkCancellation()
            }
        }
        return HTTPResponse(
            .ok, fields: ["Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"],
            body: .stream(length: nil, body))
    }

    /// Of the last event that a client heard; 0 for what another gateway counted, so that it hears of all there is.
    private func number(_ id: String?) -> UInt64 {
        let parts = (id ?? "").split(separator: "-")
        guard parts.count == 2, parts[0] == watch.epoch else { return 0 }
        return UInt64(parts[1]) ?? 0
    }
}

/// How many listen to events just now.
final class ListenerCount: Sendable {
    private let count = Atomic(0)
    private let most: Int

    init(most: Int) { self.most = most }

    var number: Int { count.load(ordering: .relaxed) }

    /// - Throws: `Problem` when there are too many.
    func enter() throws -> Place {
        guard count.add(1, ordering: .relaxed).newValue <= most else {
            count.subtract(1, ordering: .relaxed)
            throw Problem(
                .tooManyRequests, "\(most) listen to events already, which are the most; try again later",
                fields: ["Retry-After": "\(Problem.pause)"])
        }
        return Place(self)
    }

    /// One listener's.
    final class Place: Sendable {
        private let list: ListenerCount
        private let isLeft = Atomic(false)

        fileprivate init(_ list: ListenerCount) { self.list = list }

        func leave() {
            guard !isLeft.exchange(true, ordering: .relaxed) else { return }
            list.count.subtract(1, ordering: .relaxed)
        }

        deinit { leave() }
    }
}
