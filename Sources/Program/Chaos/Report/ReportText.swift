import Foundation

extension ChaosReport {
    private struct Document: Encodable {
        var seed: UInt64
        var workers: Int
        var leaseSeconds: Double
        var network: String
        var seconds: Double
        var passed: Bool
        var failures: [String]
        var kinds: [Kind]
        var leftOut: [LeftOut]
        var songs: [Song]
        var songsFinished: Int
        var songsFailed: Int
        var songsParked: Int
        var tokensWanted: Int
        var tokensDrawn: Int
        var tokensTwice: Int
        var tokensTwiceShare: Double
        var longestPauseSeconds: Double
        var undisturbedSeconds: Double?
        var disturbedSeconds: Double?
        var makespanAddedShare: Double?
        var setAside: [SetAside]
        var digests: [String: String]
        var journalIsWell: Bool?
        var faults: [Fault]

        init(_ report: ChaosReport) {
            (seed, workers, leaseSeconds) = (report.seed, report.workers, report.leaseSeconds)
            (network, seconds) = (report.network, report.seconds)
            (failures, passed) = (report.failures, report.failures.isEmpty)
            (kinds, leftOut, songs, faults) = (report.kinds, report.leftOut, report.songs, report.faults)
            songsFinished = report.songs.count { $0.state == "finished" }
            songsFailed = report.songs.count { $0.state == "failed" }
            songsParked = report.songs.count { $0.wasParked }
            (tokensWanted, tokensDrawn) = (report.tokens.wanted, report.tokens.drawn)
            (tokensTwice, tokensTwiceShare) = (report.tokens.twice, report.tokens.twiceShare)
            longestPauseSeconds = report.longestPauseSeconds
            undisturbedSeconds = report.makespan?.undisturbedSeconds
            disturbedSeconds = report.makespan?.disturbedSeconds
            makespanAddedShare = report.makespan?.addedShare
            (setAside, digests, journalIsWell) = (report.setAside, report.digests, report.journalIsWell)
        }
    }

    /// One object.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Document(self)), as: UTF8.self)
    }

    /// For people.
    package var text: String {
        var lines = [
            "Seed \(seed), \(workers) workers, leases of \(Self.number(leaseSeconds)) s, network: \(network), "
                + "\(Self.number(seconds)) s",
            "",
            Self.row(["fault", "fired", "seen", "windows elsewhere", "next token"]),
        ]
        for kind in kinds {
            lines.append(
                Self.row([
                    kind.kind.rawValue, "\(kind.fired)", "\(kind.seen)", Self.seconds(kind.longestReassignedSeconds),
                    Self.seconds(kind.longestRecoverySeconds),
                ]))
        }
        for left in leftOut { lines.append("  left out: \(left.kind.rawValue): \(left.why)") }
        lines.append("")
        let finished = songs.count { $0.state == "finished" }
        lines.append(
            "Songs: \(finished) finished, \(songs.count { $0.state == "failed" }) failed, "
                + "\(songs.count { $0.wasParked }) parked on the way, \(songs.count { $0.identical == true }) identical "
                + "to the undisturbed one")
        lines.append(
            "Tokens: \(tokens.wanted) wanted, \(tokens.drawn) drawn, \(tokens.twice) twice "
                + "(\(String(format: "%.1f", tokens.twiceShare * 100)) %); longest pause "
                + "\(Self.number(longestPauseSeconds)) s")
        if let makespan {
            lines.append(
                "A song took \(Self.number(makespan.undisturbedSeconds)) s undisturbed and "
                    + "\(Self.number(makespan.disturbedSeconds)) s with faults "
                    + "(\(String(format: "%+.1f", makespan.addedShare * 100)) %)")
        }
        for machine in setAside {
            lines.append(
                "Set aside after \(Self.number(machine.at)) s and \(machine.chunks) chunks: \(machine.machine): "
                    + machine.reason)
        }
        for (level, digest) in digests.sorted(by: { $0.key < $1.key }) { lines.append("  \(level)  \(digest)") }
        if let journalIsWell { lines.append(journalIsWell ? "The journal is whole." : "The journal is damaged.") }
        lines.append(failures.isEmpty ? "Passed." : "Failed:")
        return (lines + failures.map { "  \($0)" }).joined(separator: "\n")
    }

    private static func row(_ cells: [String]) -> String {
        let widths = [18, 7, 7, 20, 0]
        return "  "
            + zip(cells, widths).map { $0.padding(toLength: max($0.count, $1), withPad: " ", startingAt: 0) }.joined()
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func seconds(_ value: Double?) -> String { value.map { "\(number($0)) s" } ?? "–" }
}
