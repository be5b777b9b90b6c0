import ClusterClient
import Foundation

/// How those look who were not let in.
enum RefusalView {
    static func lines(_ refusals: [RefusedPeer]) -> [String] {
        guard !refusals.isEmpty else { return [] }
        return ["Refused lately"] + refusals.map { "  \(line($0))" }
    }

    private static func line(_ refusal: RefusedPeer) -> String {
        let who = [
            refusal.name.isEmpty ? "" : "worker \(refusal.name)", refusal.key.isEmpty ? "" : "key \(refusal.key)",
            refusal.address.isEmpty ? "" : "from \(refusal.address)",
        ].filter { !$0.isEmpty }
        let times = refusal.count == 1 ? "" : "\(refusal.count) times, last "
        return (who.isEmpty ? "somebody" : who.joined(separator: " "))
            + ": \(refusal.reason)  (\(times)\(age(refusal.secondsAgo)) ago)"
    }

    private static func age(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 120 else { return "\(max(0, Int(seconds.isFinite ? seconds : 0))) s" }
        return seconds < 7200 ? "\(Int(seconds / 60)) min" : "\(Int(min(seconds, 1e12) / 3600)) h"
    }
}
