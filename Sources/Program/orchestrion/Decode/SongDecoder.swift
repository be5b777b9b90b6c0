import AudioFile
import Checkpoint
import Foundation
import JukeboxModel
import MusicBox
import SongFiles
import SongPlan
import Stitching
import Tensor

/// What was decoded, for people or as JSON.
struct DecodeReport: Encodable {
    struct File: Encodable {
        var path: String
        var level: Int
        var sample: Int
        var seconds: Double
        /// Whether it was made now; otherwise it was there.
        var made: Bool
    }
    var files: [File] = []

    var text: String {
        files.map { "  \($0.path)\($0.made ? "" : "  (was there, left as it is)")" }.joined(separator: "\n")
    }
}

/// Makes audio of codes: a song's, or those of a file alone.
struct SongDecoder {
    /// A song's folder, or a file of codes.
    let source: URL
    /// nil is where the codes are.
    var out: URL?
    /// nil is every level that has codes.
    var level: Int?
    /// nil is the song's.
    var format: AudioFormat?
    /// nil is the song's, or music-box.
    var model: String?
    var preset: String?
    var threads = ThreadOptions.standard

    private struct Codes {
        var model: Model
        var song: PreparedSong
        /// [level][sample].
        var tokens: [[[UInt16]]]
        var joins: [SeamJoin] = []
        var margins: [Int: CodesFile.Margins] = [:]
        var folder: URL
        var format = AudioFormat.wav.rawValue
        /// nil for a file of codes alone.
        var songFolder: SongFolder?
    }

    /// - Throws: `CommandError` for what is no song, a level without codes or codes that are not the song's, `SongError`
    ///   for another model, `CheckpointError` for a damaged file.
    func decode() throws -> DecodeReport {
        let codes = try isFolder ? ofFolder() : ofFile()
        let levels = codes.tokens.indices.reversed().filter { codes.tokens[$0].contains { !$0.isEmpty } }
        if let level, !levels.contains(level) {
            throw CommandError(
                "\(source.path) has no codes of level \(level); there is level "
                    + levels.map(String.init).joined(separator: ", "))
        }
        let request = SongRequest(specification: codes.song.specification, format: format?.rawValue ?? codes.format)
        let output = SongOutput(folder: out ?? codes.folder, request: request, plan: codes.song.plan)
        // Whatever was begun there before may be of other codes.
        output.removeSoFar()
        let vqvae = try codes.model.vqvae()
        let team = ThreadTeam(threads: threads)
        var report = DecodeReport()
        for level in levels where self.level ?? level == level {
            for (sample, tokens) in codes.tokens[level].enumerated() {
                let seconds =
                    Double(tokens.count * codes.model.geometry.levels[level].samplesPerToken)
                    / Double(codes.model.geometry.sampleRate)
                try removeDamaged(level, sample, codes, output)
                report.files.append(
                    .init(
                        path: output.audioFile(level: level, sample: sample).path, level: level, sample: sample,
                        seconds: seconds, made: !output.hasAudio(level: level, sample: sample)))
                do {
                    try write(tokens, level, sample, seconds, codes, output, vqvae, team)
                } catch {
                    // It would only take the room that is missing.
                    output.removeSoFar()
                    throw error
                }
            }
        }
        output.removeSoFar()
        try output.writeStereo()
        return report
    }

    /// Sound that is in its place and damaged would be left as it is.
    private func removeDamaged(_ level: Int, _ sample: Int, _ codes: Codes, _ output: SongOutput) throws {
        let file = output.audioFile(level: level, sample: sample)
        guard let folder = codes.songFolder, file.path == folder.audio(level: level, sample: sample).path,
            try folder.isDamaged(level: level, sample: sample)
        else { return }
        Terminal.note("\(file.path) was damaged; it is made again from the codes")
        try FileManager.default.removeItem(at: file)
    }

    private func write(
        _ tokens: [UInt16], _ level: Int, _ sample: Int, _ seconds: Double, _ codes: Codes, _ output: SongOutput,
        _ vqvae: VQVAE, _ team: ThreadTeam
    ) throws {
        var line = ProgressLine("decoding level \(level), sample \(sample)", total: Int(seconds * 1000)) {
            String(format: "%.0f s", Double($0) / 1000)
        }
        let progress = { (share: Double) in line.update(Int(share * seconds * 1000)) }
        if codes.joins.contains(where: { $0.level == level && $0.sample == sample }) {
            let joined = try JoinedLevel(
                level: level, codes: tokens, joins: codes.joins,
                margins: codes.margins[level] ?? CodesFile.Margins(), sample: sample)
            try output.writeAudio(joined, sample: sample, vqvae: vqvae, team: team, progress: progress)
        } else {
            try output.writeAudio(
                tokens, level: level, sample: sample, vqvae: vqvae, team: team, progress: progress)
        }
        line.finish()
    }

    private var isFolder: Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: source.path, isDirectory: &isFolder) && isFolder.boolValue
    }

    private func ofFolder() throws -> Codes {
        let folder = try SongFolder(source)
        let model = try folder.openModel(model, preset: preset)
        let song = try folder.prepare(model)
        let tokens = tokens(song)
        for (level, samples) in tokens.enumerated() {
            guard let wanted = folder.digests["z\(level)"], wanted != SongOutput.digest(samples) else { continue }
            throw CommandError(
                "\(folder.codes.path): the codes of level \(level) are not those that song.json was written for; "
                    + "to decode them without it, give the file")
        }
        return Codes(
            model: model, song: song, tokens: tokens, joins: folder.joins,
            margins: try CodesFile.readMargins(folder.codes.path), folder: source, format: folder.format,
            songFolder: folder)
    }

    private func ofFile() throws -> Codes {
        let model = try Model(path: MusicBox.path(of: model ?? MusicBox.name), preset: preset)
        let specification = SongSpecification(model: model.name, mode: .continue, codes: source.path)
        let song = try SongPreparation.prepare(specification, model: model, hashesWeights: false)
        return Codes(model: model, song: song, tokens: tokens(song), folder: source.deletingLastPathComponent())
    }

    private func tokens(_ song: PreparedSong) -> [[[UInt16]]] {
        if case .codes(let codes) = song.source { codes } else { [] }
    }
}
