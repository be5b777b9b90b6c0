import AudioFile
import Checkpoint
import Digest
package import Foundation
package import JukeboxModel
package import SongPlan
package import Stitching
import SystemErrors
package import Tensor

/// Writes a song's folder: `level_L/sample_S.wav`, `codes.safetensors`, `song.json`.
///
/// Every file appears whole or not at all, and one that is there is not made again: a restart goes on.
package struct SongOutput: Sendable {
    let layout: SongFolderLayout
    private let request: SongRequest
    private let plan: Plan
    let format: AudioFormat

    package init(folder: URL, request: SongRequest, plan: Plan) {
        layout = SongFolderLayout(folder)
        self.request = request
        self.plan = plan
        format = AudioFormat(rawValue: request.format) ?? .wav
    }

    package func audioFile(level: Int, sample: Int) -> URL {
        layout.audio(level: level, sample: sample, fileExtension: format.fileExtension)
    }

    /// Sounds in stereo that the song asks for; `number` counts them.
    var stereoPlaces: [(level: Int, number: Int)] {
        guard request.specification.stereo == true else { return [] }
        let levels = plan.levels.filter { $0.level >= plan.stopAt && $0.total > 0 }.map(\.level)
        return levels.flatMap { level in
            (0..<request.specification.samples.count / 3).map { (level: level, number: $0) }
        }
    }

    /// Whether a level of a sample is decoded and complete.
    package func hasAudio(level: Int, sample: Int) -> Bool {
        FileManager.default.fileExists(atPath: audioFile(level: level, sample: sample).path)
    }

    /// Raw sound is not needed any more.
    package func removeSoFar() { try? FileManager.default.removeItem(at: layout.soFar) }

    /// All sound of a song is of one VQ-VAE: what another one made before a restart, from a file that was replaced
    /// meanwhile, goes.
    private func bind(to vqvae: VQVAE) throws {
        if let known = try? String(contentsOf: layout.decoder, encoding: .utf8) {
            if known == vqvae.fingerprint { return }
            try layout.discard()
        }
        try OutputFolder.make(layout.soFar.path)
        try OutputFile.replace(layout.decoder.path, with: vqvae.fingerprint)
    }

    /// What processes that were killed left of files that they wrote.
    private func removeUnfinished() {
        let names = FileManager.default.enumerator(atPath: layout.folder.path)?.compactMap { $0 as? String } ?? []
        for name in names where SongFolderLayout.isUnfinished(name) {
            try? FileManager.default.removeItem(at: layout.folder.appendingPathComponent(name))
        }
    }

    /// The decoded beginning of a level of a sample.
    package func soundSoFar(level: Int, sample: Int, vqvae: VQVAE) throws -> SoundSoFar {
        try bind(to: vqvae)
        return try SoundSoFar(
            layout.rawSound(level: level, sample: sample), samplesPerToken: plan.geometry.levels[level].samplesPerToken,
            piece: vqvae.pieceLength(level: level),
            total: plan.levels[level].total)
    }

    /// Decodes what is left of one level of one sample, in pieces of bounded memory, and completes its file.
    ///
    /// - Parameter progress: share that is done.
    package func writeAudio(
        _ tokens: [UInt16], level: Int, sample: Int, vqvae: VQVAE, team: ThreadTeam,
        progress: (Double) -> Void = { _ in }
    ) throws {
        guard !hasAudio(level: level, sample: sample), !tokens.isEmpty else { return }
        var sound = try soundSoFar(level: level, sample: sample, vqvae: vqvae)
        let piece = vqvae.pieceLength(level: level)
        for begin in stride(from: sound.tokens, to: tokens.count, by: piece) {
            let end = min(begin + piece, tokens.count)
            let audio = vqvae.decode(tokens, range: begin..<end, level: level, team: team)
            try sound.append(UnsafeBufferPointer(start: audio.pointer, count: (end - begin) * sound.samplesPerToken))
            progress(Double(end) / Double(tokens.count))
        }
        let file = audioFile(level: level, sample: sample)
        try OutputFolder.make(file.deletingLastPathComponent().path)
        try sound.finish(as: AudioWriter(path: file.path, sampleRate: plan.geometry.sampleRate, format: format))
    }

    /// Decodes a level of a sample that was sampled in segments, segment by segment.
    ///
    /// - Parameter progress: share that is done.
    package func writeAudio(
        _ joined: JoinedLevel, sample: Int, vqvae: VQVAE, team: ThreadTeam, progress: (Double) -> Void = { _ in }
    ) throws {
        guard !hasAudio(level: joined.level, sample: sample) else { return }
        let segments = joined.joins.count + 1
        var samples = 0
        for segment in 0..<segments {
            samples = try grow(
                joined, segments: segment..<segment + 1, after: samples, sample: sample, vqvae: vqvae, team: team)
            progress(Double(segment + 1) / Double(segments))
        }
        try completeJoined(level: joined.level, sample: sample)
    }

    /// Decodes some segments of a level into its raw sound, over what may be there: it is the same.
    ///
    /// - Parameter samples: of the segments before.
    /// - Returns: the samples that are there now.
    package func grow(
        _ joined: JoinedLevel, segments: Range<Int>, after samples: Int, sample: Int, vqvae: VQVAE, team: ThreadTeam
    ) throws -> Int {
        try bind(to: vqvae)
        let raw = layout.rawSound(level: joined.level, sample: sample)
        let sound = try RawSound(raw, after: samples)
        try joined.decode(
            segments: segments, vqvae: vqvae, unit: plan.geometry.levels[joined.level].samplesPerToken, team: team
        ) { try sound.append($0) }
        return try sound.close()
    }

    /// Makes the audio file of a level in segments of its raw sound, which must be complete.
    package func completeJoined(level: Int, sample: Int) throws {
        let (file, raw) = (audioFile(level: level, sample: sample), layout.rawSound(level: level, sample: sample))
        guard !hasAudio(level: level, sample: sample) else { return }
        try OutputFolder.make(file.deletingLastPathComponent().path)
        let writer = try AudioWriter(path: file.path, sampleRate: plan.geometry.sampleRate, format: format)
        let levels = plan.levels[level]
        try RawSound.copy(raw, samples: levels.total * plan.geometry.levels[level].samplesPerToken, to: writer)
        try writer.finish()
        try FileManager.default.removeItem(at: raw)
    }

    /// How well the seams of a sample's finest level are hidden; nil when it has none.
    private func seamReport(_ joined: JoinedLevel, sample: Int) throws -> SeamReport? {
        let recording = try AudioReader(path: audioFile(level: joined.level, sample: sample).path)
        return try SeamReport(
            seams: joined.joins.map(\.position), length: recording.frames, rate: plan.geometry.sampleRate
        ) { try recording.read($0..<$0 + $1) }
    }

    /// Writes codes and description.
    ///
    /// - Parameters:
    ///   - ancestry: of a branch, as its file of codes had it; nil when that is lost.
    ///   - tokens: [level][sample].
    ///   - joined: the levels that were sampled in segments, by sample.
    package func finish(
        _ tokens: [[[UInt16]]], joined: [[JoinedLevel]] = [], ancestry: [SongSpecification]? = nil
    ) throws {
        try OutputFolder.make(layout.folder.path)
        removeSoFar()
        removeUnfinished()
        try CodesFile.write(
            tokens.map { $0.map { $0.map(Int.init) } }, margins: Self.margins(joined),
            to: layout.codes.path,
            metadata: ["seed": "\(request.specification.seed)"])
        let description = SongDescription(
            specification: request.specification.portable(ancestry: ancestry), outcome: try outcome(tokens, joined))
        try OutputFile.replace(layout.description.path, with: description.json())
        // The journal lets the tokens go next, so the folder itself must be on the disk, too.
        OutputFolder.synchronize(containing: layout.folder.path)
    }

    private func outcome(_ tokens: [[[UInt16]]], _ joined: [[JoinedLevel]]) throws -> SongOutcome {
        var outcome = SongOutcome()
        outcome.orchestrion = "0.1"
        outcome.format = format.rawValue
        outcome.warnings = request.warnings
        outcome.numericProfile =
            (request.specification.fingerprints?.first.flatMap(NumericProfile.init(fingerprint:)) ?? .standard)
            .identifier
        outcome.digests = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ("z\($0)", Self.digest($1)) })
        outcome.files = try fileDigests(samples: tokens.first?.count ?? 0)
        guard !plan.cuts.isEmpty else { return outcome }
        outcome.approximate = "\(plan.cuts.count + 1) segments"
        outcome.joins = joined.joined().flatMap(\.joins)
        outcome.seamAUC = try joined.enumerated().compactMap { sample, levels in
            try levels.min { $0.level < $1.level }.flatMap { try seamReport($0, sample: sample) }
                .map { ($0.auc * 10_000).rounded() / 10_000 }
        }
        return outcome
    }

    /// SHA-256 of the codes and of all sound that is there, by path.
    private func fileDigests(samples: Int) throws -> [String: String] {
        let sounds = plan.levels.flatMap { level in
            (0..<samples).filter { hasAudio(level: level.level, sample: $0) }.map {
                SongFolderLayout.audioPath(level: level.level, sample: $0, fileExtension: format.fileExtension)
            }
        }
        let paths = sounds + [SongFolderLayout.codesName]
        return Dictionary(
            uniqueKeysWithValues: try paths.map { path in
                (path, try FileDigest.sha256(layout.folder.appendingPathComponent(path).path))
            })
    }

    /// By level, of all samples and seams one after another.
    private static func margins(_ joined: [[JoinedLevel]]) -> [Int: CodesFile.Margins] {
        var margins: [Int: CodesFile.Margins] = [:]
        for joined in joined.joined() {
            margins[joined.level, default: CodesFile.Margins()].before.append(joined.before.joined().map(Int.init))
            margins[joined.level, default: CodesFile.Margins()].after.append(joined.after.joined().map(Int.init))
        }
        return margins
    }

    /// BLAKE2b of one level's codes over all samples, as little-endian 16-bit numbers.
    package static func digest(_ samples: [[UInt16]]) -> String {
        let stream = Digest.Stream()
        for tokens in samples {
            tokens.map(\.littleEndian).withUnsafeBytes { stream.update($0) }
        }
        return stream.finish()
    }
}
