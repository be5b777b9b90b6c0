package import SongPlan

/// What songs wait for, in words for people.
extension Coordinator {
    /// What a song that is sampled waits for; nil when nothing but its turn.
    package func waiting(_ id: SongID) -> String? {
        guard let song = truth.song(id), song.state == .sampling else { return nil }
        return failedWindows(of: song) ?? missingWeights(of: song) ?? drainedWorkers(of: song)
    }

    /// Windows of it failed.
    private func failedWindows(of song: Song) -> String? {
        let own = memory.tries.filter { $0.key.song == song.ref && song[$0.key].holders.isEmpty }
        guard let (stream, item) = own.min(by: { ($0.value.next, $0.key) < ($1.value.next, $1.key) }) else {
            return nil
        }
        let left = max(0, (item.next - now) / .seconds(1))
        let count = Set(pool.connected.map(\.machine)).count
        let advice =
            count < settings.machinesToPark
            ? "; on fewer than \(settings.machinesToPark) machines it cannot be told whether the window or a machine is at "
                + "fault" : ""
        return "\(song.task(stream)) failed (\(item.reason)); it is tried again"
            + (left > 0 ? " in \(Int(left.rounded(.up))) s, or at once on another machine" : "") + advice
    }

    /// All who could sample it are drained or leave.
    private func drainedWorkers(of song: Song) -> String? {
        let present = pool.connected.filter { $0.description.model == song.submission.model }
        guard song.running == 0, !present.isEmpty, present.allSatisfy({ $0.isDrained || $0.isLeaving }),
            present.contains(where: \.isDrained)
        else { return nil }
        return "all workers that have its model are drained; orchestrion drain --undo WORKER gives one windows again"
    }

    /// Nobody who is here can do what it needs next. Where nobody is here at all, that is plain to see.
    private func missingWeights(of song: Song) -> String? {
        guard song.running == 0, pool.slots > 0 else { return nil }
        let wanted = memory.waiting.key(of: song.ref) ?? view().wantedSkills(song)
        let missing = wanted.filter { !pool.serves($0) }
        guard !missing.isEmpty, missing.count == wanted.count else { return nil }
        let levels = missing.map { "\($0.level)" }.joined(separator: ", ")
        let others = pool.connected.filter { worker in
            worker.description.model == song.submission.model
                && missing.contains { worker.description.fingerprints[$0.level] != nil }
        }
        let names = others.map(\.description.name).sorted().prefix(3).joined(separator: ", ")
        return "no worker that is here has the weights of level \(levels) that the song was submitted with"
            + (names.isEmpty
                ? ""
                : "; \(names) \(others.count == 1 ? "has" : "have") others by the same name: files were changed, or --profile is "
                    + "another")
    }
}
