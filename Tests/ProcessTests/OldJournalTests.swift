import TestSupport
import Testing

extension ClusterProcesses {
    /// State folders of earlier releases.
    struct OldJournalTests {
        /// Three unfinished songs, one of them in segments, as a coordinator left them that was killed: leases that are
        /// open, leases that ended with their worker, blames.
        @Test func `a journal of November 2026 goes on to the bytes of one process`() async throws {
            let model = try await TestModel.tiny()
            let songs = [
                "exact": TestSong(model: model, seconds: 1.5, seed: 5, samples: 2),
                "parts": TestSong(model: model, seconds: 6, seed: 6, other: ["--segments", "3", "--stop-at", "1"]),
                "later": TestSong(model: model, seconds: 1, seed: 7),
            ]
            let journal = TestModel.fixtures + "/journals/2026-11-28.sqlite"
            try await withCluster(Cluster.Options(models: [model], journal: journal)) { cluster in
                try cluster.startWorker("a")
                for (id, song) in songs.sorted(by: { $0.key < $1.key }) {
                    try #require(try await cluster.result(of: id) == song.undisturbed(), "\(id)")
                }
            }
        }
    }
}
