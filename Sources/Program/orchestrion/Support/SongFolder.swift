import Checkpoint
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SongPlan
import Stitching
import SystemErrors

/// A finished song's folder, as `sample` and `fetch` leave it.
struct SongFolder {
    let url: URL
    let layout: SongFolderLayout
    let specification: SongSpecification
    /// BLAKE2b of the codes, by `z0`, `z1` …
    let digests: [String: String]
    /// "8 segments" for a song that was not sampled exactly.
    let approximate: String?
    /// How the segments of such a song were joined.
    let joins: [SeamJoin]
    /// By sample, how well the seams of such a song can be detected.
    let seamAUC: [Double]
    /// Of its audio files: wav, flac or ogg.
    let format: String
    /// SHA-256 of its other files, by path; empty for songs of earlier releases.
    let files: [String: String]

    /// Reads `song.json`.
    ///
    /// - Throws: `CommandError` for what is no song's folder, `SongError` for a `song.json` that is damaged.
    init(_ url: URL) throws {
        self.url = url
        layout = SongFolderLayout(url)
        let file = layout.description.path
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandError(
                "\(url.path) is not a song's folder: it has no song.json (sample and fetch write one with each song)")
        }
        let description = try SongDescription(json: data, source: file)
        specification = description.specification
        digests = description.outcome.digests ?? [:]
        format = description.outcome.format ?? "wav"
        approximate = description.outcome.approximate
        joins = description.outcome.joins ?? []
        seamAUC = description.outcome.seamAUC ?? []
        files = description.outcome.files ?? [:]
    }

    /// Says that a song is approximate, and how well its seams are hidden; nil for an exact one.
    var approximation: String? {
        guard let approximate else { return nil }
        let scores = seamAUC.map { String(format: "%.2f", $0) }.joined(separator: ", ")
        return "approximate: \(approximate)" + (scores.isEmpty ? "" : "; seam AUC \(scores) (0.5: undetectable)")
    }

    /// The song's model, from where `song.json` says, or another folder or name.
    ///
    /// - Throws: `CommandError` when it is not there.
    func openModel(_ other: String?, preset: String?) throws -> Model {
        let name = other ?? specification.model
        let path = try MusicBox.path(of: name)
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandError("the song's model \(name) is not here; give its folder with --model")
        }
        let profile = specification.fingerprints?.last.flatMap { NumericProfile(fingerprint: $0) }
        return try Model(path: path, preset: preset, profile: profile ?? .standard)
    }

    /// The finished song once more, as codes that are all known: checks them, the labels and the fingerprints.
    func prepare(_ model: Model) throws -> PreparedSong {
        var specification = specification
        specification.mode = .continue
        specification.prompt = nil
        specification.promptSeconds = nil
        specification.codes = codes.path
        (specification.segments, specification.overlap) = (nil, nil)
        // Its codes are all of it, and not what a branch keeps.
        (specification.parent, specification.ancestry) = (nil, nil)
        return try SongPreparation.prepare(specification, model: model)
    }

    /// - Throws: `CommandError` when the codes are not those that `song.json` was written for.
    func checkCodes() throws {
        if let level = FinishedCodes.damagedLevel(try CodesFile.read(codes.path), digests: digests) {
            throw CommandError(
                "\(codes.path): the codes of level \(level) are not those that song.json was written for: one of the two "
                    + "files was damaged")
        }
    }

    /// Whether a file of sound is there and not what `song.json` was written for.
    func isDamaged(level: Int, sample: Int) throws -> Bool {
        let path = SongFolderLayout.audioPath(level: level, sample: sample, fileExtension: format)
        let file = audio(level: level, sample: sample).path
        guard let wanted = files[path], FileManager.default.fileExists(atPath: file) else { return false }
        return try FileDigest.sha256(file) != wanted
    }

    /// A file of sound that is to be read.
    ///
    /// - Throws: `CommandError` when it is not what `song.json` was written for.
    func wholeAudio(level: Int, sample: Int) throws -> URL {
        let file = audio(level: level, sample: sample)
        guard try isDamaged(level: level, sample: sample) else { return file }
        throw CommandError(
            "\(file.path) is damaged: it is not what song.json was written for; orchestrion decode '\(url.path)' makes it "
                + "again from the codes")
    }

    var codes: URL { layout.codes }

    func audio(level: Int, sample: Int) -> URL {
        layout.audio(level: level, sample: sample, fileExtension: format)
    }

    /// Levels that have audio of a sample, lowest first.
    func levels(sample: Int) -> [Int] {
        (0..<16).filter { FileManager.default.fileExists(atPath: audio(level: $0, sample: sample).path) }
    }
}
