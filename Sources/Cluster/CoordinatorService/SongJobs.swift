import CoordinatorCore
import JukeboxModel
import SongFiles
import SongPlan
import Stitching
import SystemErrors
import Tensor

/// Songs on their way out: decoded, joined, written.
extension BackgroundWork {
    /// Decodes what is due of a stream whose tokens arrive.
    func decodeArrived(_ stream: StreamID, of song: LiveSong) {
        // Upper levels are heard first.
        add(
            .decoding, for: song, priority: stream.level, part: "decoding level \(stream.level)"
        ) { [self] in
            if try song.sounds.decodeSome(of: stream, registry: registry, team: team.decoding) {
                decodeArrived(stream, of: song)
            }
        }
    }

    /// Completes the file of one level of one sample.
    func complete(_ stream: StreamID, _ tokens: [UInt16], of song: LiveSong) {
        add(
            .decoding, for: song, priority: stream.level, part: "decoding level \(stream.level)"
        ) { [self] in
            try write(tokens, stream, of: song)
        }
    }

    private func write(
        _ tokens: [UInt16], _ stream: StreamID, of song: LiveSong, progress: (Double) -> Void = { _ in }
    ) throws {
        let vqvae = try registry.vqvae(named: song.model)
        try song.output.writeAudio(
            tokens, level: stream.level, sample: stream.sample, vqvae: vqvae, team: team.decoding, progress: progress)
    }

    /// Joins the segments of a level whose turn it is.
    ///
    /// - Parameter first: the stream of the level's first segment.
    func joinArrived(_ first: StreamID, of song: LiveSong) {
        add(
            .decoding, for: song, priority: first.level, part: "joining level \(first.level)"
        ) { [self] in
            // From its first seam on.
            if song.joins.joinedSegments(first) > 0 { song.sounds.handOver(first) }
            if try song.joins.joinNext(of: first, registry: registry, team: team.decoding) {
                joinArrived(first, of: song)
            }
        }
    }

    /// Joins what is left of a level's segments, and makes its audio file.
    private func completeJoin(
        _ segments: [[UInt16]], _ first: StreamID, _ plan: Plan, of song: LiveSong, _ progress: (Double) -> Void
    ) throws -> JoinedLevel {
        for (segment, codes) in segments.enumerated() {
            let stream = StreamID(song: first.song, sample: first.sample, level: first.level, segment: segment)
            _ = song.joins.add(codes, of: stream, plan: plan)
        }
        song.sounds.handOver(first)
        for _ in song.joins.joinedSegments(first)..<segments.count {
            _ = try song.joins.joinNext(of: first, registry: registry, team: team.decoding)
            progress(Double(song.joins.joinedSegments(first)) / Double(segments.count))
        }
        guard let joined = song.joins.joined(first) else { throw SongError("the song has ended") }
        try song.output.completeJoined(level: first.level, sample: first.sample)
        return joined
    }

    /// Decodes the surroundings of a cut at the top level, and says where it is best.
    ///
    /// - Parameter tokens: of the top level, as codes.
    func chooseCut(_ seam: Int, sample: Int, tokens: [UInt16], of song: LiveSong) {
        let plan = song.plan
        let heard = plan.heard(forCut: seam)
        add(.cutting, for: song, part: "finding cut \(seam) of sample \(sample)") { [self] in
            let vqvae = try registry.vqvae(named: song.model)
            // No token after those that are heard: how many there are is chance.
            let audio = vqvae.decode(
                Array(tokens[..<heard.upperBound]), range: heard, level: plan.geometry.top, team: team.cutting)
            let position = CutChooser(plan.geometry).choose(
                Array(UnsafeBufferPointer(start: audio.pointer, count: heard.count * plan.geometry.lengthUnit)),
                from: heard.lowerBound, room: plan.room(ofCut: seam))
            completions.post(
                .ofRun(song.run, song.id, .cutChosen(song.id, sample: sample, seam: seam, position: position)))
        }
    }

    /// Decodes what has not been decoded, writes codes and description.
    ///
    /// - Parameters:
    ///   - segments: codes, [level][sample][segment].
    ///   - plans: by sample.
    ///   - unwitnessed: machines of which it has tokens that nobody compared.
    func finish(_ song: LiveSong, _ segments: [[[[UInt16]]]], plans: [Plan], unwitnessed: [MachineID]) {
        add(.decoding, for: song, part: "writing its files") { [self] in
            song.stage.begin()
            defer { song.stage.end() }
            try DoubtfulSongs.write(unwitnessed, song.layout)
            try writeAll(song, segments, plans)
            completions.post(.ofRun(song.run, song.id, .outputsWritten(song.id)))
        }
    }

    /// What was made of tokens that were withdrawn goes, before anything else is made.
    func discardFiles(of song: SongID, _ layout: SongFolderLayout) {
        queue(.decoding).add(priority: .max) { [self] in
            do {
                try layout.discard()
            } catch {
                troubles.set(.song(song, part: "former files"), "they could not be removed: \(error.explanation)")
            }
        }
    }

    /// Writes what is not there yet of a song's files.
    private func writeAll(_ song: LiveSong, _ segments: [[[[UInt16]]]], _ plans: [Plan]) throws {
        let plan = song.plan
        let samples = plans.count
        var tokens = segments.map { $0.map { $0[0] } }
        var joined: [[JoinedLevel]] = Array(repeating: [], count: samples)
        let audible = plan.levels.reversed().filter { $0.level >= plan.stopAt }.map(\.level)
        for (index, level) in audible.enumerated() {
            for sample in 0..<samples {
                func progress(_ share: Double) {
                    let done = Double(index * samples + sample) + share
                    song.stage.update(share: done / Double(audible.count * samples))
                }
                let stream = StreamID(song: song.id, sample: sample, level: level)
                if plan.isCut(level) {
                    let parts = try completeJoin(segments[level][sample], stream, plans[sample], of: song, progress)
                    tokens[level][sample] = parts.codes
                    joined[sample].append(parts)
                } else {
                    try write(tokens[level][sample], stream, of: song, progress: progress)
                }
            }
        }
        try song.output.writeStereo()
        try song.output.finish(
            tokens, joined: plan.cuts.isEmpty ? [] : joined, ancestry: ancestry(of: song.request.specification))
    }

    /// The songs that a branch comes from; nil for a song that is none, and when the file that knew them has gone.
    private func ancestry(of song: SongSpecification) throws -> [SongSpecification]? {
        guard song.parent != nil, let codes = song.codes else { return nil }
        do {
            return try Ancestry.read(locate(codes))
        } catch let error as SongError where error.kind == .missing {
            return nil
        }
    }
}
