import Checkpoint
import CoordinatorService
import Foundation
import JukeboxModel
import ModelTestSupport
import SongFiles
import SongPlan
import Testing

@Suite struct ModelRegistryTests {
    @Test func `a model is found by its name, its folder, and a folder of the same name elsewhere`() throws {
        let registry = ModelRegistry()
        let added = try registry.add(path: Fixture.noLyrics.folder.path)
        #expect(added.name == "no-lyrics")
        for name in [
            "no-lyrics", Fixture.noLyrics.folder.path, Fixture.noLyrics.folder.path + "/", "/elsewhere/no-lyrics",
        ] {
            #expect(try registry.model(name).folder.path == added.folder.path, "\(name)")
        }
    }

    @Test func `a folder is opened when a song names it`() throws {
        let registry = ModelRegistry()
        #expect(try registry.model(Fixture.twoLevel.folder.path).name == "two-level-unlabelled")
        #expect(try registry.model("two-level-unlabelled").geometry.levels.count == 2)
    }

    @Test func `an unknown name is an error that lists the known ones`() throws {
        let registry = ModelRegistry()
        #expect(unlessError("no model is called 5b", "--model") { _ = try registry.model("5b") } == nil)
        try registry.add(path: Fixture.noLyrics.folder.path)
        try registry.add(path: Fixture.twoLevel.folder.path)
        #expect(unlessError("5b", "no-lyrics, two-level-unlabelled") { _ = try registry.model("5b") } == nil)
    }

    @Test func `of two models of one name the first keeps it; folders tell them apart`() throws {
        let copy = try TemporaryFolder()
        let other = copy.file("no-lyrics")
        try FileManager.default.copyItem(at: Fixture.twoLevel.folder, to: other)
        let registry = ModelRegistry()
        try registry.add(path: Fixture.noLyrics.folder.path)
        try registry.add(path: other.path)
        #expect(try registry.model("no-lyrics").geometry.levels.count == 3)
        #expect(try registry.model(other.path).geometry.levels.count == 2)
        let (a, b) = (try registry.model("no-lyrics"), try registry.model(other.path))
        #expect(try registry.vqvae(of: a).hyperparameters.levels == 3)
        #expect(try registry.vqvae(of: b).hyperparameters.levels == 2)
    }

    @Test func `a VQ-VAE is loaded once`() throws {
        let registry = ModelRegistry()
        let model = try registry.add(path: Fixture.twoLevel.folder.path)
        #expect(try registry.vqvae(of: model) === registry.vqvae(of: model))
    }

    @Test func `a folder without geometry takes the registry's preset, or is an error`() throws {
        let copy = try ModelCopy(.noLyrics)
        try FileManager.default.removeItem(at: copy.folder.file("hparams.json"))
        #expect(
            try ModelRegistry(preset: "5b").add(path: copy.folder.path).hyperparameters == Hyperparameters(preset: "5b")
        )
        #expect(unlessError("--preset") { try ModelRegistry().add(path: copy.folder.path) } == nil)
    }

    @Test func `a folder without a model is an error that says what was looked for`() throws {
        let empty = try TemporaryFolder()
        #expect(unlessError(empty.path, "vqvae") { _ = try ModelRegistry().model(empty.path) } == nil)
    }
}
