import SongPlan

/// Backup copies: a window that a slow worker holds is given to a faster one, too. Tokens are the same wherever they
/// are sampled, so whatever chunk comes first is used, and the copy that falls behind is ended.
enum Stragglers {
    /// When it is time for a check: finds the streams whose worker is much slower than the fast ones, and those whose
    /// window a slot that would idle could complete sooner.
    @Sendable static func moves(_ view: ClusterView) -> [Move] {
        guard view.now >= view.memory.nextCheck else { return [] }
        let leases = view.soleLeases
        let outlook = view.lookAhead(leases)
        return [.expect(outlook)] + marks(view.expecting(outlook), leases)
    }

    private static func marks(_ view: ClusterView, _ leases: [(lease: Lease, stream: StreamRef)]) -> [Move] {
        var moves: [Move] = []
        /// Skills of slots that become free by these moves.
        var freed: Set<Skill> = []
        for (lease, stream) in leases where view.truth[stream].check == nil {
            let song = view.truth[stream.song]
            guard let fast = view.outlook.fast[lease.task.level] else { continue }
            let skill = song.skill(stream)
            let isStraggling = isStraggling(view, lease, stream, skill, fast: fast)
            guard isStraggling != view.memory.straggling.contains(stream) else { continue }
            moves.append(.straggle(stream, isStraggling))
            let isFree = view.pool.hasFreeSlot(skill) || freed.contains(skill)
            if isStraggling, !isFree, view.memory.ahead[stream] != nil {
                moves.append(.endPrefill(stream))
                freed.insert(skill)
            }
        }
        return moves
    }

    private static func isStraggling(
        _ view: ClusterView, _ lease: Lease, _ stream: StreamRef, _ skill: Skill, fast: Double
    ) -> Bool {
        if view.leases[lease].isProvisional
            || view.speed(of: lease, stream, usual: fast) < fast / view.settings.copyGain
        {
            return true
        }
        guard !hasOtherWork(view, skill), let best = view.pool.best(for: skill) else { return false }
        return view.isCopyWorth(lease, stream, on: best)
    }

    private static func hasOtherWork(_ view: ClusterView, _ skill: Skill) -> Bool {
        view.memory.ready.groups[skill]?.values.contains { $0.contains { !$0.isCopy } } ?? false
    }
}
