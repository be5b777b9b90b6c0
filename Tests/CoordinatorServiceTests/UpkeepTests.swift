import ClusterProtocol
import Foundation
import ModelTestSupport
import Testing

@testable import CoordinatorService

/// Room that a coordinator makes by itself, and what it does where there is none.
@Suite(.serialized) struct UpkeepTests {
    private let request = #"{"model":"two-level-unlabelled","sample_length":256}"#

    private func waitFor(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try !condition() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            usleep(20_000)
        }
    }

    private func songs(_ coordinator: ServedCoordinator) throws -> [WireSongStatus] {
        try coordinator.ask(.status(WireStatusQuery())).status.songs
    }

    @Test func `songs that have ended for long enough are removed with their files, and others stay`() throws {
        let coordinator = try ServedCoordinator(configure: { options in
            (options.waitsForRoom, options.keepFor) = (true, 0.5)
        })
        for song in ["ended", "open"] { #expect(try coordinator.submit(song, request).error.isEmpty) }
        var cancel = WireCancel()
        cancel.song = "ended"
        #expect(try coordinator.ask(.cancel(cancel)).cancelled.wasRunning)
        let place = coordinator.folder.file("state/songs/ended")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try waitFor("the song to be removed") { try songs(coordinator).map(\.song) == ["open"] }
        try waitFor("its files to be removed") { !FileManager.default.fileExists(atPath: place.path) }
        coordinator.finish()
    }

    @Test func `a used-up quota stops new songs with the reason, and room lets them in`() throws {
        let coordinator = try ServedCoordinator(configure: { options in
            (options.waitsForRoom, options.quota) = (true, 4_000_000)
        })
        #expect(try coordinator.submit("before", request).error.isEmpty)
        let filler = coordinator.folder.file("state/filler")
        try Data(repeating: 1, count: 5_000_000).write(to: filler)
        try waitFor("the quota to be told") {
            try coordinator.ask(.status(WireStatusQuery())).status.troubles.contains { $0.contains("quota") }
        }
        let refused = try coordinator.submit("within", request).error
        #expect(refused.contains("quota") && refused.contains("--quota"), "\(refused)")
        #expect(try songs(coordinator).map(\.song) == ["before"])
        try FileManager.default.removeItem(at: filler)
        try waitFor("the song to be taken on") { try coordinator.submit("within", request).error.isEmpty }
        coordinator.finish()
    }
}
