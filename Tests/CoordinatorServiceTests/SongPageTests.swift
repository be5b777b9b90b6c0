import ClusterProtocol
import Foundation
import ModelTestSupport
import Testing

@Suite("Pages of songs, and models")
struct SongPageTests {
    private func served() throws -> ServedCoordinator {
        let served = try ServedCoordinator()
        for number in 0..<5 {
            let reply = try served.submit("s\(number)", #"{"model": "two-level-unlabelled", "sample_length": 1024}"#)
            try #require(reply.error.isEmpty, "\(reply.error)")
        }
        return served
    }

    /// The songs of all pages.
    private func pages(_ served: ServedCoordinator, _ query: WireStatusQuery) throws -> [[String]] {
        var query = query
        (query.pages, query.onlySongs) = (true, true)
        var pages: [[String]] = []
        repeat {
            let status = try served.ask(.status(query)).status
            #expect(status.workers.isEmpty)
            pages.append(status.songs.map(\.song))
            query.cursor = status.next
        } while !query.cursor.isEmpty && pages.count < 20
        return pages
    }

    @Test func `songs come a page at a time, the oldest or the newest first`() throws {
        let served = try served()
        defer { served.finish() }
        var query = WireStatusQuery()
        query.limit = 2
        #expect(try pages(served, query) == [["s0", "s1"], ["s2", "s3"], ["s4"]])
        query.newestFirst = true
        #expect(try pages(served, query) == [["s4", "s3"], ["s2", "s1"], ["s0"]])
        query.limit = 5
        #expect(try pages(served, query) == [["s4", "s3", "s2", "s1", "s0"]])
    }

    @Test func `songs that have ended are left out where only others are wanted`() throws {
        let served = try served()
        defer { served.finish() }
        var cancel = WireCancel()
        cancel.song = "s3"
        _ = try served.ask(.cancel(cancel))
        var query = WireStatusQuery()
        (query.unfinished, query.newestFirst, query.limit) = (true, true, 2)
        // The cancel is carried out a moment after its answer.
        var found: [[String]] = []
        for _ in 0..<1000 where found != [["s4", "s2"], ["s1", "s0"]] { found = try pages(served, query) }
        #expect(found == [["s4", "s2"], ["s1", "s0"]])
    }

    @Test func `a page goes on where it was, though songs have gone meanwhile`() throws {
        let served = try served()
        defer { served.finish() }
        var query = WireStatusQuery()
        (query.pages, query.onlySongs, query.newestFirst, query.limit) = (true, true, true, 2)
        query.cursor = try served.ask(.status(query)).status.next
        var remove = WireRemove()
        (remove.song, remove.force) = ("s3", true)
        _ = try served.ask(.remove(remove))
        var found: [String] = []
        for _ in 0..<1000 {
            found = try served.ask(.status(query)).status.songs.map(\.song)
            var all = WireStatusQuery()
            (all.pages, all.onlySongs) = (true, true)
            if try !served.ask(.status(all)).status.songs.contains(where: { $0.song == "s3" }) { break }
        }
        found = try served.ask(.status(query)).status.songs.map(\.song)
        #expect(found == ["s2", "s1"])
    }

    @Test func `models are told with what they know, and one that is not there is told so`() throws {
        let served = try ServedCoordinator()
        defer { served.finish() }
        let models = try served.ask(.models(WireModelQuery())).models.models
        #expect(models.count == 1)
        let model = try #require(models.first)
        #expect(model.levels == 2)
        #expect(model.sampleRate > 0 && model.lengthUnit > 0 && model.longest > model.lengthUnit)
        var query = WireModelQuery()
        query.model = model.name
        query.list = .artists
        query.limit = 1
        let all = try served.ask(.models(query)).models
        #expect(all.names.count == min(1, Int(model.artists)))
        #expect(all.more == (model.artists > 1))
        query.model = "polka"
        let missing = try served.ask(.models(query))
        #expect(missing.errorKind == .notFound)
        #expect(missing.error.contains("polka"))
    }
}
