/// A look at a song.
package struct SongUpdate: Sendable, Hashable {
    package var song: SongProgress
    /// Of the coordinator, whichever songs they work on.
    package var workers: [ConnectedWorker]
}

extension ClusterClient {
    /// A song, looked at several times a second until it ends; the last update has its end.
    ///
    /// Throws `ClientError` when there is no such song, or the coordinator is gone for minutes.
    package func follow(song: String) -> SongUpdates { SongUpdates(client: self, song: song) }
}

package struct SongUpdates: AsyncSequence, Sendable {
    fileprivate let client: ClusterClient
    fileprivate let song: String

    package func makeAsyncIterator() -> Iterator { Iterator(client: client, song: song) }

    package struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let client: ClusterClient
        fileprivate let song: String
        private var hasBegun = false
        private var hasEnded = false
        private static let pause = Duration.milliseconds(250)
        /// A coordinator that is started again goes on with its songs.
        private static let patience = Duration.seconds(300)

        fileprivate init(client: ClusterClient, song: String) {
            self.client = client
            self.song = song
        }

        package mutating func next() async throws -> SongUpdate? {
            guard !hasEnded else { return nil }
            if hasBegun { try await Task.sleep(for: Self.pause) }
            hasBegun = true
            let song = song
            let status = try await client.perform { try $0.status(song: song, patience: Self.patience) }
            guard let now = status.songs.first else { throw ClientError("the coordinator knows no song \(song)") }
            hasEnded = now.state.isEnded
            return SongUpdate(song: now, workers: status.workers)
        }
    }
}
