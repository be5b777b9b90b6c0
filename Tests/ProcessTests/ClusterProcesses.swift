import Foundation
import TestSupport
import Testing

/// Real coordinators and workers, as processes over TCP. The oracle is always what one undisturbed process makes of
/// the same song. One test at a time: they all want the whole machine.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ClusterProcesses {}

/// The song that faults happen to: two samples of two seconds, all three levels, several windows at the lower two.
/// It is long enough that ten kills hit it in the middle, and takes some ten seconds undisturbed.
func victimSong() async throws -> TestSong {
    TestSong(model: try await TestModel.tiny(), seconds: 2, seed: 41, samples: 2)
}

extension Cluster {
    /// Kills workers with signal 9 at once: one that has windows in hand, and others, if possible such, too.
    ///
    /// - Returns: their names.
    @discardableResult
    func killBusyWorkers(_ count: Int = 1, _ dice: inout Dice) async throws -> [String] {
        var names: [String] = []
        var victims: [ChildProcess] = []
        try await wait(for: "a worker to have work", interval: .milliseconds(5)) {
            let running = try await status().workers.filter { (try? worker($0.name).isRunning) == true }
            let busy = running.filter { $0.busy > 0 }.map(\.name).sorted()
            guard !busy.isEmpty, running.count >= count else { return false }
            let idle = running.filter { $0.busy == 0 }.map(\.name).sorted()
            names = Array((busy.shuffled(using: &dice) + idle.shuffled(using: &dice)).prefix(count))
            victims = try names.map { try worker($0) }
            for (name, victim) in zip(names, victims) {
                try #require(victim.signal(SIGSTOP), "\(name) was to be killed, but it had ended: \(victim.ending!)")
            }
            // Stopped, they cannot hand in what they had in hand before they are killed.
            if try await status().workers.contains(where: { names.contains($0.name) && $0.busy > 0 }) { return true }
            for victim in victims { _ = victim.signal(SIGCONT) }
            return false
        }
        for victim in victims { try #require(victim.kill() == .signalled(9)) }
        return names
    }

    /// Kills the coordinator with signal 9.
    func killCoordinator() throws {
        let victim = try coordinator()
        try #require(victim.isRunning, "the coordinator was to be killed, but it had ended: \(victim.ending!)")
        try #require(victim.kill() == .signalled(9))
    }

    /// The song is still being sampled: the fault hit it in the middle.
    func requireSampling(_ song: String) async throws {
        let now = try await status(of: song)
        try #require(now.state == "sampling" && now.sampledTokens < now.wantedTokens, "\(song) is \(now.state)")
    }
}
