import AudioFile
import Checkpoint
import Foundation
import JukeboxModel
import Pictures
import Sampling
import SongFiles
import SongPlan
import SystemErrors
import Tensor

/// What a picture shows, for people or as JSON.
struct PictureReport: Encodable {
    var picture: String
    var level: Int
    var sample: Int
    var seconds: Double
    /// Empty when there is no alignment.
    var lines: [LyricTimes.Span] = []
    var characters: [LyricTimes.Span] = []
    /// The share of top-level tokens whose most attended character is not before the previous token's.
    var forwardShare: Double?
    /// Why there is no alignment.
    var note: String?

    enum CodingKeys: String, CodingKey {
        case picture, level, sample, seconds, lines, characters, note
        case forwardShare = "forward_share"
    }

    var text: String {
        var text = "  \(picture)"
        for line in lines {
            let time = String(format: "%6.2f s – %6.2f s", line.begin, line.end)
            text += "\n  \(line.isReached ? time : "     not reached   ")  \(line.text)"
        }
        if let forwardShare {
            let percent = Int((forwardShare * 100).rounded())
            text += "\n  At \(percent) % of the tokens the place in the lyrics does not fall back."
        }
        return note.map { "\(text)\n  \($0)" } ?? text
    }
}

/// Draws a finished song: spectrogram, and alignment of its lyrics.
struct PictureMaker {
    let song: SongFolder
    var sample = 0
    /// Of the audio; nil takes the lowest that is there.
    var level: Int?
    /// nil puts it beside the audio.
    var out: URL?
    /// nil takes the song's.
    var model: String?
    var preset: String?
    var threads = ThreadOptions.standard

    /// - Throws: `CommandError` for a sample or level without audio, `SongError` for a model that is not the song's,
    ///   `AudioFileError`, `PictureError`.
    func make() throws -> PictureReport {
        let level = try chosenLevel()
        let spectrogram = try spectrogram(level: level)
        let file = out ?? song.audio(level: level, sample: sample).deletingPathExtension().appendingPathExtension("png")
        var report = PictureReport(
            picture: file.path, level: level, sample: sample, seconds: spectrogram.seconds)
        var view: AlignmentView?
        switch try alignment() {
        case .none(let reason): report.note = reason
        case .times(let times):
            report.lines = times.lines
            report.characters = times.characters
            report.forwardShare = times.forwardShare
            view = AlignmentView(
                weights: times.weights, path: times.path,
                lines: zip(times.lines, times.lineRanges).map {
                    AlignmentView.Line(text: $0.text, characters: $1, begin: $0.begin, end: $0.end)
                })
        }
        try OutputFolder.make(file.deletingLastPathComponent().path)
        try SongPicture(title: title(level: level), spectrogram: spectrogram, alignment: view).write(to: file.path)
        return report
    }

    /// When the lyrics are sung, without drawing anything.
    func lyricTimes() throws -> (lines: [LyricTimes.Span], characters: [LyricTimes.Span], note: String?) {
        _ = try checkedSample()
        switch try alignment() {
        case .none(let reason): return ([], [], reason)
        case .times(let times): return (times.lines, times.characters, nil)
        }
    }

    private func checkedSample() throws -> Int {
        let samples = song.specification.samples.count
        guard (0..<samples).contains(sample) else {
            throw CommandError("--sample \(sample): the song has the samples 0 to \(samples - 1)")
        }
        return sample
    }

    private func chosenLevel() throws -> Int {
        let present = song.levels(sample: try checkedSample())
        guard let lowest = present.first else {
            throw CommandError("\(song.url.path) has no audio of sample \(sample)")
        }
        guard present.contains(level ?? lowest) else {
            throw CommandError(
                "\(song.url.path) has no audio of level \(level!); there is level "
                    + present.map(String.init).joined(separator: ", "))
        }
        return level ?? lowest
    }

    private func title(level: Int) -> String {
        let labels = song.specification.samples[sample]
        let words = [labels.genre, labels.artist.map { "by \($0)" }].compactMap { $0 }.joined(separator: " ")
        let model = URL(fileURLWithPath: song.specification.model).lastPathComponent
        return [
            words, model, "seed \(song.specification.seed)", "sample \(sample)", "level \(level)",
            song.approximate.map { "approximate: \($0)" } ?? "",
        ]
        .filter { !$0.isEmpty }.joined(separator: "  ·  ")
    }

    private func spectrogram(level: Int) throws -> Spectrogram {
        let reader = try AudioReader(path: song.wholeAudio(level: level, sample: sample).path)
        var builder = SpectrogramBuilder(samples: reader.frames, rate: reader.sampleRate)
        try reader.forEachBlock { builder.append($0) }
        return builder.finish()
    }

    private enum Alignable {
        case times(LyricTimes)
        /// A reason.
        case none(String)
    }

    private func alignment() throws -> Alignable {
        guard song.specification.samples[sample].lyrics?.isEmpty == false else {
            return .none("The song has no lyrics, so there is only the spectrogram.")
        }
        let model = try song.openModel(model, preset: preset)
        let top = model.geometry.top
        if let wanted = song.specification.fingerprints, wanted.indices.contains(top),
            try model.fingerprint(level: top) != wanted[top]
        {
            throw CommandError("\(model.name) is not the song's model: its fingerprint is another; choose with --model")
        }
        let prepared = try song.prepare(model)
        guard model.hyperparameters.priors[top].alignmentLayer != nil,
            model.hyperparameters.priors[top].lyricLength > 0
        else { return .none("The model has no alignment head, so there is only the spectrogram.") }
        guard case .codes(let codes) = prepared.source, !codes[top][sample].isEmpty else {
            return .none("The song has no codes of the top level, so there is only the spectrogram.")
        }
        let labels = prepared.labels[sample][top]
        let alignment = Alignment.compute(
            prior: try model.prior(level: top), labeller: model.labellers[top], labels: labels,
            codes: codes[top][sample], hop: prepared.hops[top], team: ThreadTeam(threads: threads))
        let lyrics = LyricText(v3: model.hyperparameters.priors[top].labelsV3).text(labels.lyrics)
        let samples = codes[top][sample].count * model.geometry.levels[top].samplesPerToken
        let seconds = Double(samples) / Double(model.geometry.sampleRate)
        guard let times = LyricTimes(alignment, lyrics: lyrics, seconds: seconds) else {
            return .none("The model reads none of the lyrics' characters, so there is only the spectrogram.")
        }
        return .times(times)
    }
}
