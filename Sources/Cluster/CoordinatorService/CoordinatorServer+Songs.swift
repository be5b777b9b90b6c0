import ClusterProtocol
import CoordinatorCore
import Foundation
import Journal
import JukeboxModel
import SongFiles
import SongPlan
import Stitching
import Synchronization
import SystemErrors
import Tensor

/// Songs on their way in (checked, encoded) and out (decoded, written).
extension CoordinatorServer {
    // MARK: in

    /// Checks a request at the desk; its answer follows.
    func prepare(song: SongID, request: SongRequest, priority: Int) {
        var request = request
        // Asked for once more, it is the song that it was, whoever came or went.
        if request.specification.segments == .auto, let known = core.submission(of: song) {
            request.specification.segments = .count(known.planInputs.segmentation?.count ?? 1)
        }
        // In one process client and worker start together; which comes first must not decide what is sampled.
        let slots = options.trustsPaths ? 0 : core.slots
        desk.add { [self, request] in
            do {
                let (submission, prepared) = try submission(
                    song: song, request: request, priority: priority, slots: slots)
                post(.prepared(submission, warnings: prepared.warnings))
                if submission.awaitsTokens { try encode(song, prepared) }
            } catch {
                post(.refusal(song, error.explanation))
            }
        }
    }

    /// Songs whose prompt was being encoded when the last process ended.
    func resumePreparations() {
        for song in core.songIDs where core.state(of: song) == .preparing {
            guard let submission = core.submission(of: song) else { continue }
            desk.add { [self] in
                do {
                    let request = try JSONDecoder().decode(SongRequest.self, from: Data(submission.specification.utf8))
                    try encode(song, self.submission(song: song, request: request).1)
                } catch {
                    post(.unprepared(song, error.explanation))
                }
            }
        }
    }

    private func submission(
        song: SongID, request: SongRequest, priority: Int = 0, slots: Int = 0
    ) throws -> (Submission, PreparedSong) {
        let model = try shelf.model(request.specification.model)
        var prepared: PreparedSong
        let files = (request.specification.prompt ?? []) + [request.specification.codes].compactMap(\.self)
        do {
            prepared = try SongPreparation.prepare(request.specification, model: model, slots: slots) { name in
                options.trustsPaths && FileManager.default.fileExists(atPath: name) ? name : try uploads.locate(name)
            }
        } catch {
            throw SongError(uploads.inNamesOfClient(error.explanation, references: files))
        }
        prepared.warnings = prepared.warnings.map { uploads.inNamesOfClient($0, references: files) }
        var request = request
        request.specification = prepared.specification
        request.warnings = prepared.warnings.isEmpty ? nil : prepared.warnings
        let numbers = prepared.specification.samples.map(\.number)
        let awaits = if case .nothing = prepared.source { false } else { true }
        let submission = Submission(
            song: song, model: model.name, fingerprints: prepared.fingerprints,
            planInputs: PlanInputs(
                geometry: model.geometry, sampleLength: prepared.plan.sampleLength, hops: prepared.hops,
                known: prepared.plan.levels.map(\.known), stopAt: prepared.plan.stopAt,
                segmentation: prepared.plan.segmentation),
            seed: prepared.specification.seed, filters: prepared.filters,
            labels: prepared.labels.map { sample in
                sample.enumerated().map { model.labellers[$0].prior.labels ? $1 : nil }
            },
            numbers: numbers.allSatisfy { $0 == nil } ? nil : numbers.enumerated().map { $1 ?? $0 },
            priority: priority, submittedAt: journal.time, specification: try request.json(),
            awaitsTokens: awaits)
        return (submission, prepared)
    }

    private func encode(_ song: SongID, _ prepared: PreparedSong) throws {
        let model = try shelf.model(prepared.specification.model)
        do {
            stages.begin(song)
            defer { stages.end(song) }
            let known = try team.withLock { team in
                try prepared.knownTokens(model: model, team: team) { stages.update(song, share: $0) }
            }
            let bySample = prepared.labels.indices.map { sample in known.map { $0[sample] } }
            post(.known(song, bySample))
        } catch {
            post(.unprepared(song, error.explanation))
        }
    }

    // MARK: out

    /// What is needed to write a song's files; nil when it has ended meanwhile.
    private func output(of song: SongID) -> (output: SongOutput, plan: Plan, model: String)? {
        guard let submission = core.submission(of: song), let plan = core.plan(of: song),
            let request = try? JSONDecoder().decode(SongRequest.self, from: Data(submission.specification.utf8))
        else { return nil }
        return (
            SongOutput(folder: folder(of: song), request: request, plan: plan), plan, request.specification.model
        )
    }

    /// The codes of a stream, as others see them.
    private func codes(of stream: StreamID, _ plan: Plan) -> [UInt16]? {
        let shape = plan.geometry.levels[stream.level]
        return core.tokens(of: stream).map { $0.map(shape.code(of:)) }
    }

    /// Tokens were journaled: decodes what they decide.
    func hear(_ stream: StreamID, from start: Int, _ tokens: [UInt16]) {
        // Of a level in segments the first one is heard up to its seam, then all of them seam by seam.
        guard let plan = core.plans(of: stream.song).dropFirst(stream.sample).first, stream.level >= plan.stopAt,
            stream.segment == 0
        else { return }
        let shape = plan.geometry.levels[stream.level]
        let end = plan.isCut(stream.level) ? plan.overlap(ofCut: 0, level: stream.level).lowerBound : Int.max
        let isNew = sounds.feed(stream, from: start, tokens.prefix(max(0, end - start)).map(shape.code(of:))) {
            output(of: stream.song).map { ($0.output, $0.model, $0.plan.levels[stream.level].total) }
        }
        if isNew { grow(stream) }
    }

    private func grow(_ stream: StreamID) {
        // Upper levels are heard first.
        studio.add(priority: stream.level) { [self] in
            do {
                let more = try whenThereIsRoom {
                    try studioTeam.withLock { try sounds.grow(stream, shelf: shelf, team: $0) }
                }
                if more { grow(stream) }
            } catch {
                failed(stream.song, "level \(stream.level) could not be decoded", error)
            }
        }
    }

    /// Songs whose tokens came before this process.
    func resumeSounds() {
        for song in core.songIDs {
            guard let state = core.state(of: song), !state.isEnded, let samples = core.submission(of: song)?.samples,
                let plan = core.plan(of: song)
            else { continue }
            for level in plan.levels.reversed() {
                for sample in 0..<samples {
                    let stream = StreamID(song: song, sample: sample, level: level.level)
                    if let tokens = core.tokens(of: stream), !tokens.isEmpty { hear(stream, from: 0, tokens) }
                }
            }
        }
    }

    /// Completes one level of one sample, or joins one of its segments.
    func decode(_ stream: StreamID) {
        guard let (output, plan, model) = output(of: stream.song), let tokens = codes(of: stream, plan) else { return }
        if plan.isCut(stream.level) { return join(stream, tokens, output, model) }
        studio.add(priority: stream.level) { [self] in
            do {
                try whenThereIsRoom { try write(tokens, stream, output, model) }
            } catch {
                failed(stream.song, "level \(stream.level) could not be decoded", error)
            }
        }
    }

    private func write(
        _ tokens: [UInt16], _ stream: StreamID, _ output: SongOutput, _ model: String,
        progress: (Double) -> Void = { _ in }
    ) throws {
        let vqvae = try shelf.vqvae(of: shelf.model(model))
        try studioTeam.withLock {
            try output.writeAudio(
                tokens, level: stream.level, sample: stream.sample, vqvae: vqvae, team: $0, progress: progress)
        }
    }

    /// Joins a complete segment of a level with the one before it, when that is joined.
    private func join(_ stream: StreamID, _ tokens: [UInt16], _ output: SongOutput, _ model: String) {
        guard let plan = core.plans(of: stream.song).dropFirst(stream.sample).first, stream.level >= plan.stopAt else {
            return
        }
        if joins.add(stream, tokens, plan: plan, output: (output, model)) { growJoin(stream.firstSegment) }
    }

    private func growJoin(_ first: StreamID) {
        studio.add(priority: first.level) { [self] in
            do {
                // From its first seam on.
                if joins.joinedSegments(first) > 0 { sounds.leave(first) }
                let more = try whenThereIsRoom {
                    try studioTeam.withLock { try joins.grow(first, shelf: shelf, team: $0) }
                }
                if more { growJoin(first) }
            } catch {
                failed(first.song, "level \(first.level) could not be joined", error)
            }
        }
    }

    /// Joins what is left of a level's segments, and makes its audio file.
    private func completeJoin(
        _ segments: [[UInt16]], _ first: StreamID, _ plan: Plan, _ output: SongOutput, _ model: String,
        _ progress: (Double) -> Void
    ) throws -> JoinedLevel {
        for (segment, codes) in segments.enumerated() {
            let stream = StreamID(song: first.song, sample: first.sample, level: first.level, segment: segment)
            _ = joins.add(stream, codes, plan: plan, output: (output, model))
        }
        sounds.leave(first)
        for _ in joins.joinedSegments(first)..<segments.count {
            _ = try studioTeam.withLock { try joins.grow(first, shelf: shelf, team: $0) }
            progress(Double(joins.joinedSegments(first)) / Double(segments.count))
        }
        guard let joined = joins.joined(first) else { throw SongError("the song has ended") }
        try output.completeJoined(level: first.level, sample: first.sample)
        return joined
    }

    /// Decodes the surroundings of a cut at the top level, and says where it is best.
    func chooseCut(_ song: SongID, sample: Int, seam: Int) {
        guard let (_, plan, model) = output(of: song),
            let tokens = codes(of: StreamID(song: song, sample: sample, level: plan.geometry.top), plan)
        else { return }
        let heard = plan.heard(forCut: seam)
        cutter.add { [self] in
            do {
                let vqvae = try shelf.vqvae(of: shelf.model(model))
                // No token after those that are heard: how many there are is chance.
                let audio = vqvae.decode(
                    Array(tokens[..<heard.upperBound]), range: heard, level: plan.geometry.top, team: cutterTeam)
                let position = CutChooser(plan.geometry).choose(
                    Array(UnsafeBufferPointer(start: audio.pointer, count: heard.count * plan.geometry.lengthUnit)),
                    from: heard.lowerBound, room: plan.room(ofCut: seam))
                post(.event(.cutChosen(song, sample: sample, seam: seam, position: position)))
            } catch {
                failed(song, "a place for a cut could not be found", error)
            }
        }
    }

    /// Writes `timeline.json`, unless the song has ended before and it is complete.
    func writeTimeline(_ song: SongID) throws {
        guard let submission = core.submission(of: song), let state = core.state(of: song) else { return }
        let events = try journal.taskEvents(of: song)
        if events.isEmpty, state.isEnded { return }
        let timeline = Timeline(
            submission: submission, plans: core.plans(of: song), state: state, events: events, known: workersSeen,
            now: journal.time)
        let folder = folder(of: song)
        try OutputFolder.make(folder.path)
        try OutputFile.replace(folder.appendingPathComponent(Timeline.file).path, with: timeline.json())
    }

    /// Decodes what has not been decoded, writes codes and description.
    func finish(_ song: SongID) {
        guard let (output, plan, model) = output(of: song), let samples = core.submission(of: song)?.samples else {
            return
        }
        let plans = core.plans(of: song)
        let segments = plan.levels.map { level in
            (0..<samples).map { sample in
                level.segments.indices.map { segment in
                    codes(of: StreamID(song: song, sample: sample, level: level.level, segment: segment), plan) ?? []
                }
            }
        }
        studio.add { [self] in
            do {
                stages.begin(song)
                defer { stages.end(song) }
                try whenThereIsRoom { try write(song, segments, plans, output, model) }
                post(.event(.outputsWritten(song)))
            } catch {
                failed(song, "the song's files could not be written", error)
            }
        }
    }

    /// Writes what is not there yet of a song's files.
    ///
    /// - Parameter segments: codes, [level][sample][segment].
    private func write(
        _ song: SongID, _ segments: [[[[UInt16]]]], _ plans: [Plan], _ output: SongOutput, _ model: String
    ) throws {
        guard let plan = plans.first else { return }
        let samples = plans.count
        var tokens = segments.map { $0.map { $0[0] } }
        var joined: [[JoinedLevel]] = Array(repeating: [], count: samples)
        let audible = plan.levels.reversed().filter { $0.level >= plan.stopAt }.map(\.level)
        for (index, level) in audible.enumerated() {
            for sample in 0..<samples {
                func progress(_ share: Double) {
                    let done = Double(index * samples + sample) + share
                    stages.update(song, share: done / Double(audible.count * samples))
                }
                if plan.isCut(level) {
                    let parts = try completeJoin(
                        segments[level][sample], StreamID(song: song, sample: sample, level: level),
                        plans[sample], output, model, progress)
                    tokens[level][sample] = parts.codes
                    joined[sample].append(parts)
                } else {
                    let stream = StreamID(song: song, sample: sample, level: level)
                    try write(tokens[level][sample], stream, output, model, progress: progress)
                }
            }
        }
        try output.finish(tokens, joined: plan.cuts.isEmpty ? [] : joined)
    }
}
