import CoordinatorCore
import Foundation
import Journal
import SongFiles
import SongPlan
import SystemErrors

/// What the loop does for songs that have not ended: it gathers what jobs need, and hands it to them.
extension CoordinatorLoop {
    /// Songs that an earlier process took on.
    func resumeSongs() {
        for id in core.songIDs where core.state(of: id).map({ !$0.isAtRest }) ?? false { takeUp(id) }
    }

    /// A song of which there are a submission and perhaps tokens.
    func takeUp(_ id: SongID) {
        guard let state = core.state(of: id), let submission = core.submission(of: id), let plan = core.plan(of: id)
        else { return }
        do {
            let request = try JSONDecoder().decode(SongRequest.self, from: Data(submission.specification.utf8))
            let owner = FolderOwner(submission, layout(of: id))
            if owner.isOwn != true {
                // They are made again from the tokens.
                try? layout(of: id).discard()
                owner.mark()
            }
            let song = begin(id, request, plan)
            if state == .preparing { work.encode(song) }
            resumeSounds(of: id, samples: submission.samples, plan)
        } catch {
            troubles.set(.song(id, part: "request"), "its request in the journal cannot be read: \(error.explanation)")
        }
    }

    /// Streams of a song that have all their tokens, told before.
    func completeStreams(of song: SongID) {
        for (sample, plan) in core.plans(of: song).enumerated() {
            for level in plan.levels.reversed() where level.level >= plan.stopAt && level.total > 0 {
                for (segment, part) in level.segments.enumerated() {
                    let stream = StreamID(song: song, sample: sample, level: level.level, segment: segment)
                    if core.tokens(of: stream)?.count == part.range.count { complete(stream) }
                }
            }
        }
    }

    func resumeSounds(of song: SongID, samples: Int, _ plan: Plan) {
        for level in plan.levels.reversed() {
            for sample in 0..<samples {
                let stream = StreamID(song: song, sample: sample, level: level.level)
                if let tokens = core.tokens(of: stream), !tokens.isEmpty { decodeArrived(stream, from: 0, tokens) }
            }
        }
    }

    /// The codes of a stream, as others see them.
    private func codes(of stream: StreamID, _ plan: Plan) -> [UInt16]? {
        let shape = plan.geometry.levels[stream.level]
        return core.tokens(of: stream).map { $0.map(shape.code(of:)) }
    }

    /// A sample's plan, with the cuts that were decided.
    private func plan(of stream: StreamID) -> Plan? {
        core.plans(of: stream.song).dropFirst(stream.sample).first
    }

    /// Tokens were journaled: decodes what they decide.
    func decodeArrived(_ stream: StreamID, from start: Int, _ tokens: [UInt16]) {
        // Of a level in segments the first one is heard up to its seam, then all of them seam by seam.
        guard let song = songs[stream.song], stream.segment == 0, let plan = plan(of: stream),
            stream.level >= plan.stopAt
        else { return }
        let shape = plan.geometry.levels[stream.level]
        let end = plan.isCut(stream.level) ? plan.overlap(ofCut: 0, level: stream.level).lowerBound : Int.max
        let codes = tokens.prefix(max(0, end - start)).map(shape.code(of:))
        if song.sounds.add(codes, to: stream, from: start) { work.decodeArrived(stream, of: song) }
    }

    /// Completes one level of one sample, or joins one of its segments with the one before it, when that is joined.
    func complete(_ stream: StreamID) {
        guard let song = songs[stream.song], let tokens = codes(of: stream, song.plan) else { return }
        guard song.plan.isCut(stream.level) else { return work.complete(stream, tokens, of: song) }
        guard let plan = plan(of: stream), stream.level >= plan.stopAt else { return }
        if song.joins.add(tokens, of: stream, plan: plan) { work.joinArrived(stream.firstSegment, of: song) }
    }

    func chooseCut(_ id: SongID, sample: Int, seam: Int) {
        guard let song = songs[id],
            let tokens = codes(of: StreamID(song: id, sample: sample, level: song.plan.geometry.top), song.plan)
        else { return }
        work.chooseCut(seam, sample: sample, tokens: tokens, of: song)
    }

    /// All tokens of a song exist.
    func finish(_ id: SongID) {
        guard let song = songs[id], let samples = core.submission(of: id)?.samples else { return }
        let segments = song.plan.levels.map { level in
            (0..<samples).map { sample in
                level.segments.indices.map { segment in
                    codes(of: StreamID(song: id, sample: sample, level: level.level, segment: segment), song.plan) ?? []
                }
            }
        }
        work.finish(song, segments, plans: core.plans(of: id), unwitnessed: core.unwitnessed(of: id))
    }

    /// Writes `timeline.json`, unless the song has ended before and it is complete.
    ///
    /// - Parameter workers: that had windows of it.
    func writeTimeline(_ song: SongID, workers: [WorkerID: Timeline.Worker]? = nil) throws {
        guard let submission = core.submission(of: song), let state = core.state(of: song) else { return }
        let events = try journal.taskEvents(of: song)
        if events.isEmpty, state.isEnded { return }
        let timeline = Timeline(
            submission: submission, plans: core.plans(of: song), state: state, events: events,
            known: workers ?? songs[song]?.workers ?? [:], now: journal.time)
        let file = layout(of: song).timeline
        try OutputFolder.make(file.deletingLastPathComponent().path)
        try OutputFile.replace(file.path, with: timeline.json())
    }
}
