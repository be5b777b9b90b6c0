import AudioFile
import Checkpoint
import Features
import Foundation
import ProcessLimits
import SystemErrors

/// What was done of each recording, for people or as JSON.
struct EmbedReport: Encodable {
    enum State: String, Encodable { case made, there, failed }

    struct Entry: Encodable {
        var recording: String
        var state: State
        /// Where its JSON is.
        var record: String?
        /// Why it failed.
        var reason: String?
        /// What a user should hear of it besides.
        var warnings: [String] = []
    }

    var entries: [Entry] = []
    /// Seconds of audio that features were made of, and that it took.
    var audioSeconds = 0.0
    var seconds = 0.0

    var failures: Int { count(.failed) }

    private func count(_ state: State) -> Int { entries.count { $0.state == state } }

    func text(folder: String) -> String {
        var text = "\(count(.made)) of \(entries.count) recordings done, in \(folder)"
        if count(.there) > 0 { text += "; \(count(.there)) were there, and left as they are" }
        if failures > 0 { text += "; \(failures) failed" }
        if count(.made) > 0 {
            text += String(format: "\n%.1f s of audio in %.1f s", audioSeconds, seconds)
        }
        return text
    }
}

/// Features of many recordings, one after another. What fails is told, and the rest is done.
struct EmbedRun {
    let extractor: FeatureExtractor
    let job: FeatureJob
    let folder: URL

    private static let progressUnits = 1000

    /// - Throws: `SystemError` when nothing more can be written, and `EnvironmentDisturbed`.
    func run(_ recordings: [NamedRecording]) throws -> EmbedReport {
        var report = EmbedReport()
        let start = ContinuousClock.now
        let missing = look(at: recordings, &report)
        var line = ProgressLine("embedding", total: missing.count * Self.progressUnits) { done in
            String(format: "%.1f recordings", Double(done) / Double(Self.progressUnits))
        }
        for (index, recording) in missing.enumerated() {
            do {
                let (seconds, warnings) = try make(recording) { share in
                    line.update(index * Self.progressUnits + Int(share * Double(Self.progressUnits)))
                }
                report.audioSeconds += seconds
                report.entries.append(
                    .init(
                        recording: recording.path, state: .made, record: files(recording).record.path,
                        warnings: warnings))
                for warning in warnings { tell("\(recording.path): \(warning)", &line) }
            } catch let error where Self.isOfRecording(error) {
                report.entries.append(
                    .init(recording: recording.path, state: .failed, reason: "\(error.explanation)"))
                tell("Error: \(Self.named(recording.path, error))", &line)
            }
        }
        line.finish()
        report.seconds = start.duration(to: .now) / .seconds(1)
        report.entries.sort { $0.recording < $1.recording }
        return report
    }

    private func tell(_ text: String, _ line: inout ProgressLine) {
        line.finish()
        Terminal.note(text)
    }

    /// Whether others may do better.
    private static func isOfRecording(_ error: any Error) -> Bool { error is AudioFileError || error is FeatureError }

    /// What the system refuses while a recording is read is that recording's alone.
    private static func reading<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error where !isOfRecording(error) { throw FeatureError(error.explanation) }
    }

    private static func named(_ path: String, _ error: any Error) -> String {
        let text = error.explanation
        return text.contains(path) ? text : "\(path): \(text)"
    }

    private func files(_ recording: NamedRecording) -> FeatureFiles {
        FeatureFiles(folder: folder, name: recording.name)
    }

    /// Those whose features are not there yet.
    private func look(at recordings: [NamedRecording], _ report: inout EmbedReport) -> [NamedRecording] {
        var missing: [NamedRecording] = []
        var line = ProgressLine("looking at what is there", total: recordings.count) { "\($0) recordings" }
        for (index, recording) in recordings.enumerated() {
            let files = files(recording)
            if let record = FeatureRecord.read(files.record.path), record.requestDigest == job.digest,
                record.isComplete(in: folder), record.audioDigest == (try? FeatureJob.audioDigest(recording.path))
            {
                report.entries.append(
                    .init(recording: recording.path, state: .there, record: files.record.path))
            } else {
                missing.append(recording)
            }
            line.update(index + 1)
        }
        line.finish()
        return missing
    }

    /// - Returns: seconds of audio, and what a user should hear.
    private func make(_ recording: NamedRecording, progress: (Double) -> Void) throws -> (Double, [String]) {
        let files = files(recording)
        let reader = try Self.reading { try AudioReader(path: recording.path) }
        let digest = try Self.reading { try FeatureJob.audioDigest(recording.path) }
        let old = FeatureRecord.read(files.record.path)
        if let old, old.audioDigest != digest, old.recording != recording.path {
            throw FeatureError(
                "\(files.record.path) is of \(old.recording); choose another folder for --out, or take that away")
        }
        guard old != nil || !FileManager.default.fileExists(atPath: files.record.path) else {
            throw FeatureError(
                "\(files.record.path) is there and is no record of features; choose another folder for --out, or take that away"
            )
        }
        let request = extractor.request
        let rate = extractor.geometry.sampleRate
        var audio = try Self.reading { try reader.read(from: request.offset, seconds: request.duration, at: rate) }
        FeatureExtractor.normalise(&audio)
        let offset = Int(request.offset * Double(rate))
        let windows = try extractor.geometry.windows(
            request, count: audio.count, offset: offset,
            total: max(offset + audio.count, Int(reader.duration * Double(rate))))
        try checkSize(of: windows)
        let total = max(1, extractor.rows(windows))
        var done = 0
        let features = try extractor.features(windows, of: audio) { rows in
            done += rows
            progress(min(1, Double(done) / Double(total)))
            return true
        }
        guard let features else { return (0, []) }
        if let old { files.remove(old) }
        let outputs = try files.write(
            features, layers: request.layers, sliced: request.windows.isSliced, format: job.format)
        try job.record(
            of: recording.path, audioDigest: digest, samples: audio.count, windows: windows, extractor: extractor,
            outputs: outputs
        ).write(to: files.record.path)
        return (Double(audio.count) / Double(rate), reader.warnings)
    }

    /// - Throws: `FeatureError` for more than memory or the format holds.
    private func checkSize(of windows: [FeatureWindow]) throws {
        let bytes = 4 * extractor.numbers(of: windows)
        let advice = "take fewer with --rate, --pool, --windows or --duration"
        guard bytes <= ProcessLimits.current.memory.value / 3 else {
            throw FeatureError("its features would take \(Terminal.bytes(bytes)) of memory; \(advice)")
        }
        guard job.format != .npz || bytes <= NumpyFile.largestArchive else {
            throw FeatureError(
                "its features would take \(Terminal.bytes(bytes)), more than an .npz holds; write npy or safetensors, or "
                    + advice)
        }
    }
}
