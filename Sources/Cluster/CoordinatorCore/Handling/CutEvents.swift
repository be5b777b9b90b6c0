import SongPlan

/// The cuts that were asked for since the start. After a restart they are asked for again.
struct CutRequests: Sendable {
    /// By song and sample, how many.
    private var asked: [SongRef: [Int]] = [:]

    func count(_ song: SongRef, sample: Int) -> Int { asked[song]?[sample] ?? 0 }

    mutating func ask(_ song: Song, sample: Int) {
        asked[song.ref, default: Array(repeating: 0, count: song.submission.samples)][sample] += 1
    }

    mutating func forget(_ song: SongRef) { asked[song] = nil }
}

/// Where songs in segments are cut. The core knows when a cut can be chosen; where it is best, the audio of the level
/// above says, which the caller decodes.
extension Coordinator {
    /// Asks for the cuts whose surroundings exist at the top level.
    mutating func askForCuts(_ ref: SongRef) {
        guard !truth[ref].plan.cuts.isEmpty, truth[ref].state == .sampling else { return }
        let song = truth[ref]
        for sample in 0..<song.submission.samples {
            while song.hasHeard(cut: cuts.count(ref, sample: sample), sample: sample) {
                let seam = cuts.count(ref, sample: sample)
                cuts.ask(song, sample: sample)
                guard !song.isDecided[sample][seam] else { continue }
                emit(.chooseCut(song.id, sample: sample, seam: seam))
            }
        }
    }

    /// A cut: journaled, then the segments on both sides may be sampled.
    mutating func cutChosen(_ id: SongID, sample: Int, seam: Int, position: Int) {
        guard let song = truth.find(id) else {
            return emit(.defect(.unknownSong(id, event: "cutChosen")))
        }
        guard truth[song].state == .sampling else { return }
        guard truth[song].hasCut(sample: sample, seam: seam, position: position) else {
            return emit(.defect(.impossibleCut(id, sample: sample, seam: seam, position: position)))
        }
        guard !truth[song].isDecided[sample][seam] else { return }
        commit(.cut(id, sample: sample, seam: seam, position: position))
        // What a song waits for may have become another thing.
        guard memory.open.contains(song) else { return enqueue(song) }
        // The segments beside it may be ready now, and all chains of the sample may have become longer or shorter.
        for stream in truth[song].streamRefs where truth[song].id(stream).sample == sample { refresh(stream) }
    }
}

extension Song {
    /// Whether the top level exists as far as is heard for a cut of a sample.
    fileprivate func hasHeard(cut: Int, sample: Int) -> Bool {
        guard plan.cuts.indices.contains(cut) else { return false }
        let top = plan.levels.count - 1
        let wanted = min(plan.levels[top].total, plan.heard(forCut: cut).upperBound)
        return end(ref(StreamID(song: id, sample: sample, level: top))) >= wanted
    }
}
