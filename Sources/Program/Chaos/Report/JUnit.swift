import Foundation

extension ChaosReport {
    /// The report as JUnit's XML, for systems that show tests: a case for each song, kind of fault and other check.
    package var junit: String {
        var cases: [(name: String, seconds: Double, failure: String?)] = []
        for song in songs {
            let isWell = song.state == "finished" && song.identical == true
            let reason = song.state == "finished" ? "its tokens differ" : "it is \(song.state): \(song.reason)"
            cases.append(("\(song.song) is identical to the undisturbed song", song.seconds, isWell ? nil : reason))
        }
        for kind in kinds {
            let failure = kind.seen > 0 ? nil : "it fired \(kind.fired) times, and no effect was seen"
            cases.append(("\(kind.kind.rawValue) fired", 0, failure))
        }
        if let journalIsWell { cases.append(("the journal is whole", 0, journalIsWell ? nil : "it is damaged")) }
        cases += problems.map { ("the run as a whole", 0, $0) }
        let failed = cases.count { $0.failure != nil }
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<testsuite name=\"orchestrion chaos, seed \(seed)\" tests=\"\(cases.count)\" failures=\"\(failed)\" "
                + "time=\"\(String(format: "%.3f", seconds))\">",
        ]
        for (name, seconds, failure) in cases {
            let time = String(format: "%.3f", seconds)
            let head = "  <testcase classname=\"chaos\" name=\"\(Self.escaped(name))\" time=\"\(time)\""
            guard let failure else {
                lines.append(head + "/>")
                continue
            }
            lines.append(head + "><failure message=\"\(Self.escaped(failure))\"/></testcase>")
        }
        return (lines + ["</testsuite>", ""]).joined(separator: "\n")
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
