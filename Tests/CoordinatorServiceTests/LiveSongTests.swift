import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Tensor
import Testing

@testable import CoordinatorService

struct LiveSongTests {
    private let folder: TemporaryFolder
    private let registry = ModelRegistry()
    private let song: LiveSong
    private let stream = StreamID(song: "s", sample: 0, level: 1)

    init() throws {
        folder = try TemporaryFolder()
        let model = try registry.add(path: Fixture.twoLevel.folder.path)
        let specification = SongSpecification(model: model.name, sampleLength: 64 * model.geometry.lengthUnit)
        let prepared = try SongPreparation.prepare(specification, model: model, hashesWeights: false)
        song = LiveSong(
            id: "s", request: SongRequest(specification: prepared.specification, format: "wav"), plan: prepared.plan,
            folder: folder.file("songs/s"))
    }

    @Test func `a level is heard as its tokens come`() throws {
        let (team, total) = (ThreadTeam(threads: 1), song.plan.levels[1].total)
        #expect(song.sounds.add(Array(repeating: 3, count: total), to: stream, from: 0))
        // One job is enough for a stream.
        #expect(!song.sounds.add([3, 3], to: stream, from: 0))
        while try song.sounds.decodeSome(of: stream, registry: registry, team: team) {}
        #expect(song.sounds.audibleTokens(of: stream) == total)
        #expect(song.audibleSeconds(level: 1, samples: 1) > 0)
        #expect(song.audibleSeconds(level: 1, samples: 2) == 0)
    }

    @Test func `a song that has ended decodes nothing more, whoever still works on it`() throws {
        let copy = song
        #expect(song.sounds.add([1, 2, 3], to: stream, from: 0))
        song.close()
        #expect(try !copy.sounds.decodeSome(of: stream, registry: registry, team: ThreadTeam(threads: 1)))
        #expect(!copy.sounds.add([4], to: stream, from: 3))
        #expect(!copy.joins.add([1], of: stream, plan: song.plan))
        #expect(copy.joins.joined(stream) == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.file("songs/s").path))
    }
}
