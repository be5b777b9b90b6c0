import Chaos
import Foundation
import Testing

struct ReportTests {
    private static func report(identical: Bool = true, state: String = "finished") -> ChaosReport {
        var report = ChaosReport(seed: 7, workers: 3, leaseSeconds: 2, network: "proxy")
        report.songs = [.init(song: "chaos-1", state: state, reason: "a < b & \"c\"", identical: identical, seconds: 3)]
        var kill = ChaosReport.Fault(number: 1, kind: .killWorker, victim: "worker a", at: 1)
        (kill.seen, kill.reassignedSeconds) = ("the process ended", 2.5)
        var other = ChaosReport.Fault(number: 2, kind: .killWorker, victim: "worker b", at: 2)
        other.reassignedSeconds = 1
        report.faults = [kill, other, .init(number: 3, kind: .partition, victim: "worker b", at: 3)]
        report.tokens.wanted = 1000
        report.tokens.drawn = 1050
        report.journalIsWell = true
        return report
    }

    @Test func `faults are counted by kind`() throws {
        let kinds = Self.report().kinds
        #expect(kinds.map(\.kind) == [.killWorker, .partition])
        #expect(kinds[0].fired == 2 && kinds[0].seen == 1 && kinds[0].longestReassignedSeconds == 2.5)
        #expect(kinds[1].fired == 1 && kinds[1].seen == 0 && kinds[1].longestReassignedSeconds == nil)
    }

    @Test func `a song that differs, one that did not finish and a damaged journal are failures`() {
        #expect(Self.report().failures.isEmpty)
        #expect(Self.report(identical: false).failures.count == 1)
        #expect(Self.report(state: "failed").failures == ["chaos-1 is failed: a < b & \"c\""])
        var damaged = Self.report()
        damaged.journalIsWell = false
        #expect(damaged.failures == ["the journal is damaged"])
        #expect(ChaosReport(seed: 1, workers: 1, leaseSeconds: 1, network: "proxy").failures == ["no song was sampled"])
    }

    @Test func `its JSON has the figures`() throws {
        let object = try JSONSerialization.jsonObject(with: Data(Self.report().json().utf8)) as? [String: Any]
        let json = try #require(object)
        #expect(json["tokens_twice"] as? Int == 50 && json["tokens_twice_share"] as? Double == 0.05)
        #expect(json["passed"] as? Bool == true && json["songs_finished"] as? Int == 1)
        #expect((json["kinds"] as? [[String: Any]])?.first?["longest_reassigned_seconds"] as? Double == 2.5)
    }

    @Test func `its XML has a failure for each case that failed, and is escaped`() throws {
        let xml = Self.report(state: "failed").junit
        #expect(xml.contains("tests=\"4\" failures=\"2\""))
        #expect(xml.contains("a &lt; b &amp; &quot;c&quot;") && xml.contains("it fired 1 times"))
        #expect(xml.hasSuffix("</testsuite>\n"))
    }
}

struct PauseMeterTests {
    @Test func `the longest time without a token counts, while a song is sampled`() {
        var meter = PauseMeter()
        for (tokens, time) in [(0, 0.0), (10, 1), (10, 2), (20, 5), (30, 6)] {
            meter.look(tokens: tokens, isSampling: true, at: time)
        }
        #expect(meter.longest == 4 && meter.longestAt == 5)
        // Between songs nothing is waited for.
        meter.look(tokens: 0, isSampling: false, at: 20)
        meter.look(tokens: 0, isSampling: true, at: 21)
        meter.look(tokens: 5, isSampling: true, at: 22)
        #expect(meter.longest == 4)
        #expect(meter.recovery(from: 2) == 3 && meter.recovery(from: 6) == 0 && meter.recovery(from: 23) == nil)
    }
}
