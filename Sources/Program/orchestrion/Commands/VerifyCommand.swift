import ArgumentParser
import Checkpoint
import Foundation
import JukeboxModel
import Tensor

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare a model folder with numbers that the original code computed.",
        discussion: """
            Beside the model lie expected.safetensors (codes, logits, audio) and scenario.json (how they were \
            made). One line a quantity; exit code 1 when one misses its tolerance.
            """)

    @Argument(help: ArgumentHelp("The model's folder.", valueName: "dir"))
    var directory: String

    @Option(help: ArgumentHelp("The expectations, when they lie elsewhere.", valueName: "file"))
    var expected: String?

    @Option(help: ArgumentHelp("The scenario, when it lies elsewhere.", valueName: "file"))
    var scenario: String?

    @Option(
        help: ArgumentHelp(
            "Outputs of layers by the original, of audio.in of the expectations, to compare those of embed with.",
            valueName: "file"))
    var features: String?

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "How numbers are kept: f32 as the original does, or f16 or int8 to see how far those are from it.",
            valueName: "profile"))
    var profile: NumericProfile = .f32

    @OptionGroup var compute: ThreadOptions

    @Flag(help: "Print the findings as a JSON array.")
    var json = false

    func run() throws {
        compute.sayLimits { Terminal.note($0) }
        let folder = URL(fileURLWithPath: directory, isDirectory: true)
        let model = try Model(path: directory, preset: preset, profile: profile)
        let expectedPath = expected ?? folder.appendingPathComponent("expected.safetensors").path
        guard FileManager.default.fileExists(atPath: expectedPath) else {
            throw VerifyError("there is no \(expectedPath); name the expectations with --expected")
        }
        var findings: [Finding] = []
        let verification = Verification(
            model: model,
            scenario: try Scenario(path: scenario ?? folder.appendingPathComponent("scenario.json").path),
            expected: try Checkpoint.open(path: expectedPath), team: ThreadTeam(threads: compute.threads),
            report: { finding in
                findings.append(finding)
                if !json { print(finding.line) }
            })
        try verification.run()
        if let features { try verification.checkFeatures(Checkpoint.open(path: features)) }
        let missed = findings.filter { !$0.passed }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        } else {
            print(
                missed.isEmpty
                    ? "All \(findings.count) quantities agree (kernels: \(Kernels.active.name))."
                    : "\(missed.count) of \(findings.count) quantities miss: "
                        + missed.map(\.quantity).joined(separator: ", "))
        }
        if !missed.isEmpty || findings.isEmpty { throw ExitCode(1) }
    }
}

extension Finding {
    fileprivate var line: String {
        let verdict = passed ? "ok  " : "MISS"
        let name = quantity.padding(toLength: max(36, quantity.count), withPad: " ", startingAt: 0)
        if let largestError {
            return "\(verdict) \(name) largest error \(String(format: "%.2e", largestError)) of \(count), "
                + "tolerance \(String(format: "%.0e", tolerance))"
        }
        if let differing {
            return "\(verdict) \(name) \(differing) of \(count) differ, tolerance \(Int(tolerance))"
        }
        return "\(verdict) \(name) \(note ?? "")"
    }
}
