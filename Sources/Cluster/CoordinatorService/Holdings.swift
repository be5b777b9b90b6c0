import CoordinatorCore
import SongPlan

/// What the songs that have not ended take of the coordinator's memory, by the key that submitted them: one client must
/// not take what others need.
struct Holdings {
    private struct Share {
        var songs = 0
        var bytes = 0
        /// Songs of one shape share their plan.
        var plans: [PlanInputs: Int] = [:]
    }

    private struct Entry {
        var owner: String
        var inputs: PlanInputs
        var planBytes: Int
        var bytes: Int

        init(_ submission: Submission, _ plan: Plan) {
            owner = submission.owner ?? ""
            inputs = submission.planInputs
            planBytes = plan.levels.reduce(0) { sum, level in
                sum + level.segments.reduce(0) { $0 + 64 + $1.windows.count * 128 }
            }
            bytes = submission.specification.utf8.count
            for label in submission.labels.joined() {
                bytes += 64 + 8 * ((label?.genres.count ?? 0) + (label?.lyrics.count ?? 0))
            }
        }
    }

    private var shares: [String: Share] = [:]
    private var entries: [SongID: Entry] = [:]

    /// Of one key: songs, and bytes of their plans and labels.
    static let (mostSongs, mostBytes) = (20_000, 1 << 30)

    mutating func add(_ submission: Submission, _ plan: Plan) {
        guard entries[submission.song] == nil else { return }
        let entry = Entry(submission, plan)
        entries[submission.song] = entry
        var share = shares.removeValue(forKey: entry.owner) ?? Share()
        share.songs += 1
        share.bytes += entry.bytes
        share.plans[entry.inputs, default: 0] += 1
        if share.plans[entry.inputs] == 1 { share.bytes += entry.planBytes }
        shares[entry.owner] = share
    }

    mutating func remove(_ song: SongID) {
        guard let entry = entries.removeValue(forKey: song), var share = shares.removeValue(forKey: entry.owner)
        else { return }
        share.songs -= 1
        share.bytes -= entry.bytes
        share.plans[entry.inputs, default: 1] -= 1
        if share.plans[entry.inputs] == 0 {
            share.plans[entry.inputs] = nil
            share.bytes -= entry.planBytes
        }
        if share.songs > 0 { shares[entry.owner] = share }
    }

    /// Why one more song would be too much; nil when it is not.
    func refusal(_ submission: Submission, _ plan: Plan) -> String? {
        let entry = Entry(submission, plan)
        let share = shares[entry.owner] ?? Share()
        if share.songs >= Self.mostSongs {
            return
                "\(share.songs) songs of yours have not ended, and \(Self.mostSongs) are the most; wait, or cancel some"
        }
        let own = entry.bytes + (share.plans[entry.inputs] == nil ? entry.planBytes : 0)
        guard share.bytes + own > Self.mostBytes else { return nil }
        return "the plans and labels of your songs that have not ended take \(share.bytes >> 20) MiB, and this one's "
            + "\(max(1, own >> 20)); \(Self.mostBytes >> 20) are the most: wait, or cancel some"
    }
}
