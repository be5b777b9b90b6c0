import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    /// Files beside a journal that somebody cuts short while SQLite has them mapped.
    @Suite(.serialized) struct ShortenedFileTests {
        @Test(arguments: [0, 4096])
        func `a coordinator whose index of the write-ahead log is cut short goes on, with all that was acknowledged`(
            bytes: off_t
        ) async throws {
            let song = try await victimSong()
            let file = try TestFolder.place("http")
            let options = Cluster.Options(
                models: [song.model], coordinator: ["--http", "127.0.0.1:0", "--http-endpoint-file", file])
            try await withCluster(options) { cluster in
                // Nothing begins again in its first second.
                try await Task.sleep(for: .seconds(2))
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(500, of: id)
                let http = try String(contentsOfFile: file, encoding: .utf8)
                #expect(truncate(cluster.stateFolder + "/journal.sqlite-shm", bytes) == 0)
                #expect(try await cluster.result(of: id) == song.undisturbed())
                let coordinator = try cluster.coordinator()
                #expect(coordinator.isRunning && cluster.log.contains("it began again"), "\(cluster.log)")
                let answer = try await RawClient.ask("GET", "/api/v1/songs/\(id)", at: http)
                #expect(answer.status == 200)
                let check = try await Orchestrion.run(["journal", "check", "--state", cluster.stateFolder])
                #expect(check.succeeded, "\(check.report)")
            }
        }
    }
}
