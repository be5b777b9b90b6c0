import CoordinatorCore
import JukeboxModel
import SongPlan

/// Unfinished songs that were begun with another numeric profile than the coordinator has now.
extension CoordinatorLoop {
    private static let profiles = Troubles.Place.coordinator(part: "the numeric profile")

    /// Looks now and then, as long as there are such songs: new ones have the coordinator's own.
    func tellOfProfiles(_ now: Double) {
        guard now >= nextProfileLook else { return }
        let own = work.registry.profile
        var counts: [String: Int] = [:]
        for song in core.songIDs where core.state(of: song).map({ !$0.isEnded }) ?? false {
            let profile = core.submission(of: song)?.fingerprints.values.lazy.compactMap {
                NumericProfile(fingerprint: $0)
            }.first
            if let profile, profile != own { counts[profile.name, default: 0] += 1 }
        }
        guard !counts.isEmpty else {
            nextProfileLook = .infinity
            return troubles.clear(Self.profiles)
        }
        nextProfileLook = now + 5
        let (name, count) = counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }[0]
        troubles.set(
            Self.profiles,
            "\(count == 1 ? "1 unfinished song was" : "\(count) unfinished songs were") begun with --profile \(name), and this "
                + "coordinator was started with --profile \(own.name): only workers with --profile \(name) go on with "
                + "\(count == 1 ? "it" : "them"), and what a song starts from cannot be read again. Start the coordinator again "
                + "with --profile \(name), or finish or remove \(count == 1 ? "it" : "them")")
    }
}
