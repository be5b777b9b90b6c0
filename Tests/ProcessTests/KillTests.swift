import Foundation
import TestSupport
import Testing

extension ClusterProcesses {
    @Suite(.serialized) struct KillTests {
        @Test func `ten workers killed at random instants change no token`() async throws {
            var dice = Dice.thrown(for: "workers killed")
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], lease: 1.5)) { cluster in
                try cluster.startWorker("worker-0")
                let id = try await cluster.submit(song, id: "kills")
                let wanted = try await cluster.status(of: id).wantedTokens
                var killed = 0
                // One worker at a time, and something new from each: the coordinator takes a window that kills three
                // workers without any progress for the culprit, but gives it the last of them for itself. Two chunks,
                // since a second window that was blamed twice follows with the first one's first.
                for instant in dice.instants(10, of: wanted) {
                    let before = try await cluster.status(of: id).sampledTokens
                    try await cluster.waitUntilSampled(max(instant, before + 256), of: id)
                    try await cluster.killBusyWorkers(1, &dice)
                    killed += 1
                    try cluster.startWorker("worker-\(killed)")
                    try await cluster.requireSampling(id)
                    try await wait(for: "its leases to be taken back") { cluster.lostWorkers.count >= killed }
                }
                let result = try await cluster.result(of: id)
                try #require(killed == 10 && cluster.lostWorkers.count >= 10)
                try #require(result == expected)
            }
        }

        @Test func `two of four workers killed at once, twice, change no token`() async throws {
            var dice = Dice.thrown(for: "pairs killed")
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], lease: 2)) { cluster in
                for number in 0..<4 { try cluster.startWorker("worker-\(number)", options: ["--slots", "1"]) }
                let id = try await cluster.submit(song, id: "pairs")
                let wanted = try await cluster.status(of: id).wantedTokens
                var dead: [String] = []
                for (number, instant) in dice.instants(2, of: wanted).enumerated() {
                    try await cluster.waitUntilSampled(instant, of: id)
                    // At once, so that a window counts one death: three without any progress would be its fault.
                    dead += try await cluster.killBusyWorkers(2, &dice)
                    try await cluster.requireSampling(id)
                    for pair in 1...2 { try cluster.startWorker("after-\(number)-\(pair)", options: ["--slots", "1"]) }
                }
                let result = try await cluster.result(of: id)
                try #require(Set(dead).count == 4)
                // A lost lease is logged only while no copy of its window is complete; who is silent goes in any case.
                try await wait(for: "the dead to be given up") {
                    let known = Set(try await cluster.status().workers.map(\.name))
                    return known.count == 4 && known.isDisjoint(with: dead)
                }
                try #require(result == expected)
            }
        }

        @Test func `a coordinator killed at ten random instants goes on where it was`() async throws {
            var dice = Dice.thrown(for: "coordinator killed")
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                try cluster.startWorker("b")
                let id = try await cluster.submit(song, id: "kills")
                let wanted = try await cluster.status(of: id).wantedTokens
                var killed = 0
                for instant in dice.instants(10, of: wanted) {
                    let before = try await cluster.waitUntilSampled(instant, of: id)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<50, using: &dice)))
                    try cluster.killCoordinator()
                    killed += 1
                    try await cluster.startCoordinator()
                    let after = try await cluster.status(of: id)
                    try #require(after.state == "sampling")
                    // What was told of is journaled, so it is not sampled again.
                    try #require(after.sampledTokens >= before.sampledTokens)
                }
                let result = try await cluster.result(of: id)
                try #require(killed == 10)
                try #require(cluster.log.count(of: "goes on with 1 unfinished song from the journal") == killed)
                try #require(try cluster.worker("a").isRunning && cluster.worker("b").isRunning)
                try #require(result == expected)
            }
        }

        @Test func `workers and coordinator killed in turn and at once change no token`() async throws {
            var dice = Dice.thrown(for: "both killed")
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                try cluster.startWorker("b")
                let id = try await cluster.submit(song, id: "kills")
                let wanted = try await cluster.status(of: id).wantedTokens
                var (workers, coordinators) = (0, 0)
                let faults = [(true, false), (false, true), (true, true), (true, true), (true, true), (true, true)]
                for (fault, instant) in zip(faults.shuffled(using: &dice), dice.instants(faults.count, of: wanted)) {
                    let before = try await cluster.status(of: id).sampledTokens
                    try await cluster.waitUntilSampled(max(instant, before + 1), of: id)
                    if fault.0 {
                        try await cluster.killBusyWorkers(1, &dice)
                        workers += 1
                    }
                    if fault.1 {
                        try cluster.killCoordinator()
                        coordinators += 1
                        try await cluster.startCoordinator()
                    }
                    try await cluster.requireSampling(id)
                    if fault.0 { try cluster.startWorker("after-\(workers)") }
                }
                let result = try await cluster.result(of: id)
                try #require((workers, coordinators) == (5, 5))
                // A lease whose worker died with the coordinator is taken back by the next coordinator.
                try #require(cluster.tasksTakenBack.count >= workers)
                try #require(result == expected)
            }
        }

        @Test func `a stopped worker's leases go to others, and what it says afterwards changes nothing`() async throws
        {
            var dice = Dice.thrown(for: "workers stopped")
            let song = try await victimSong()
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                try cluster.startWorker("b")
                let id = try await cluster.submit(song, id: "stops")
                let wanted = try await cluster.status(of: id).wantedTokens
                for (stops, instant) in [wanted / 10, wanted * 4 / 10].enumerated() {
                    try await cluster.waitUntilSampled(instant, of: id)
                    try await cluster.stopBusyWorker(&dice, song: id)
                    // Both may hit the same worker; each ends a lease at least.
                    try #require(cluster.log.count(of: "was taken back") > stops)
                }
                try #require(try await cluster.result(of: id) == expected)
            }
        }
    }
}

extension Cluster {
    /// SIGSTOPs a busy worker until its leases were taken back and others went on, and lets it go on then.
    fileprivate func stopBusyWorker(_ dice: inout Dice, song: String) async throws {
        let busy = try await status().workers.filter { $0.busy > 0 }.map(\.name).sorted()
        let victim = try worker(try #require(busy.randomElement(using: &dice)))
        let before = tasksTakenBack.count
        let ended = log.count(of: "was taken back")
        try #require(victim.signal(SIGSTOP))
        // For its silence, or because a copy on the other worker was complete first.
        try await wait(for: "the stopped worker's leases to end") { log.count(of: "was taken back") > ended }
        let taken = tasksTakenBack.dropFirst(before)
        let now = try await status(of: song)
        try await waitUntilSampled(now.sampledTokens + 256, of: song)
        try #require(victim.isRunning && victim.signal(SIGCONT))
        // It still held each of them, with the old epoch. The first is told by name, the others as a number.
        try await wait(for: "the worker to hear that its leases have ended") {
            taken.isEmpty || victim.errorOutput.contains(": the lease has ended")
        }
    }
}

extension String {
    func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}
