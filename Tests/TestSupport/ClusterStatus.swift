/// What a coordinator says of itself: of `orchestrion status --json`, what tests look at.
package struct ClusterStatus: Decodable, Sendable {
    package struct Song: Decodable, Sendable {
        package var song: String
        package var state: String
        package var reason: String
        package var sampledTokens: Int
        package var wantedTokens: Int
        package var levels: [Level]
        /// What it waits for; nil when nothing holds it up.
        package var waiting: String?

        package var hasEnded: Bool { ["finished", "failed", "cancelled"].contains(state) }
    }
    package struct Level: Decodable, Sendable {
        package var level: Int
        package var tokens: Int
        package var total: Int
    }
    package struct Worker: Decodable, Sendable {
        package var name: String
        package var levels: [Int]
        package var slots: Int
        package var busy: Int
        package var drained: Bool
        package var leaving: Bool
    }
    package var songs: [Song]
    package var workers: [Worker]
    /// What holds the coordinator up.
    package var troubles: [String]?
}
