import AudioFile
import Checkpoint
import ClusterSimulation
import CoordinatorService
import Foundation
import HTTPGateway
import JukeboxModel
import Sampling
import SongFiles
import SongPlan
import Stitching
import SystemErrors

/// What commands do with songs on this machine, for the gateway.
struct GatewayTools: SongTools {
    let registry: ModelRegistry
    let threads: Int

    /// Tokens a second of a usual worker, as `plan` has it when nothing is said.
    private static let usual = 1000.0
    private static let prefillGain = 8.0
    private static let mostWorkers = 1024

    func plan(_ request: SongRequest, workers text: String) throws -> [UInt8] {
        var request = request
        guard request.specification.prompt == nil, request.specification.codes == nil else {
            throw CommandError(
                "a plan reads no recordings or codes; leave prompt and codes away, with mode ancestral, and give seconds"
            )
        }
        let workers: [WorkerSpecification]
        do {
            workers = try .init(parsing: text, usual: Self.usual)
        } catch {
            throw CommandError("workers: \(error)")
        }
        guard workers.count <= Self.mostWorkers else {
            throw CommandError(
                "workers: \(workers.count) are more than the \(Self.mostWorkers) that are planned for here")
        }
        request.specification.model = try registry.model(request.specification.model).folder.path
        let planned = try PlannedSong(request, slots: workers.reduce(0) { $0 + $1.slots })
        let planner = SongPlanner(
            planned: planned, usual: Self.usual, costs: planned.costs, prefillGain: Self.prefillGain, songs: 1,
            profile: .standard, isFine: false)
        return try Self.json(planner.table(workers).0)
    }

    /// With the names that the API has.
    private static func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    private func maker(_ folder: URL, sample: Int) throws -> PictureMaker {
        let song = try SongFolder(folder)
        let model = try? registry.model(song.specification.model).folder.path
        return PictureMaker(song: song, sample: sample, model: model, threads: threads)
    }

    func picture(of folder: URL, level: Int?, sample: Int, out: URL) throws {
        var maker = try maker(folder, sample: sample)
        (maker.level, maker.out) = (level, out)
        _ = try maker.make()
    }

    func lyricTimes(of folder: URL, sample: Int) throws -> SungLyrics {
        let times = try maker(folder, sample: sample).lyricTimes()
        return SungLyrics(
            lines: times.lines.map { SungLyrics.Span(text: $0.text, begin: $0.begin, end: $0.end) },
            characters: times.characters.map { SungLyrics.Span(text: $0.text, begin: $0.begin, end: $0.end) },
            note: times.note ?? "")
    }

    private struct SeamsDocument: Encodable {
        var level: Int
        var sample: Int
        var report: SeamReport
    }

    func seams(of folder: URL, level: Int?, sample: Int) throws -> [UInt8] {
        let measured = try MeasuredSeams(SongFolder(folder), name: "the song", level: level, sample: sample)
        return try Self.json(SeamsDocument(level: measured.level, sample: sample, report: measured.report))
    }

    func convert(_ audio: URL, to format: String, out: URL) throws {
        guard let format = AudioFormat(rawValue: format) else { throw CommandError("there is no format \(format)") }
        let reader = try AudioReader(path: audio.path)
        let writer = try AudioWriter(path: out.path, sampleRate: reader.sampleRate, format: format)
        var failure: (any Error)?
        try reader.forEachBlock { block in
            guard failure == nil else { return }
            do { try writer.append(block) } catch { failure = error }
        }
        if let failure { throw failure }
        try writer.finish()
    }
}
