import SongPlan

/// Where songs in segments are cut. The core knows when a cut can be chosen; where it is best, the audio of the level
/// above says, which the caller decodes.
extension Coordinator {
    /// Asks for the cuts whose surroundings exist at the top level.
    mutating func askForCuts(_ place: Int) {
        guard !songs[place].plan.cuts.isEmpty, songs[place].state == .sampling else { return }
        for sample in 0..<songs[place].submission.samples {
            while songs[place].canAskForCut(sample) {
                let seam = songs[place].asked[sample]
                songs[place].asked[sample] += 1
                guard !songs[place].isDecided[sample][seam] else { continue }
                effects.append(.chooseCut(songs[place].id, sample: sample, seam: seam))
            }
        }
    }

    /// A cut: journaled, then the segments on both sides may be sampled.
    mutating func cutChosen(_ id: SongID, sample: Int, seam: Int, position: Int) {
        guard let place = songIndex[id] else {
            effects.append(.defect(.unknownSong(id, event: "cutChosen")))
            return
        }
        guard songs[place].state == .sampling else { return }
        guard songs[place].hasCut(sample: sample, seam: seam, position: position) else {
            effects.append(.defect(.impossibleCut(id, sample: sample, seam: seam, position: position)))
            return
        }
        guard !songs[place].isDecided[sample][seam] else { return }
        // What a song waits for may become another thing.
        let isWaiting = !songs[place].isOpen
        if isWaiting { waiting.remove(songs[place]) }
        commit(.cut(id, sample: sample, seam: seam, position: position))
        if isWaiting { return enqueue(place) }
        // The segments on both sides of it may be ready now.
        for index in songs[place].streams.indices {
            let stream = songs[place].stream(at: index)
            if stream.sample == sample, stream.segment == seam || stream.segment == seam + 1 { refresh(place, index) }
        }
    }
}

extension Song {
    /// Whether a cut of a sample may lie there.
    func hasCut(sample: Int, seam: Int, position: Int) -> Bool {
        plans.indices.contains(sample) && plan.cuts.indices.contains(seam) && plan.room(ofCut: seam).contains(position)
    }

    /// Whether the top level exists as far as is heard for the next cut of a sample.
    fileprivate func canAskForCut(_ sample: Int) -> Bool {
        guard plan.cuts.indices.contains(asked[sample]) else { return false }
        let top = plan.levels.count - 1
        let wanted = min(plan.levels[top].total, plan.heard(forCut: asked[sample]).upperBound)
        return end(index(StreamID(song: id, sample: sample, level: top))) >= wanted
    }
}
