import ArgumentParser
import Foundation
import ModelFetch

struct ModelFetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Bring a published model into a folder, and check all of it.",
        discussion: """
            OpenAI's models are 5b, 5b_lyrics and 1b_lyrics; each brings the VQ-VAE and the upsamplers, and the lists of \
            artists and genres. hf:OWNER/NAME, or its address, is a repository of Hugging Face. Any other address is a folder \
            with a hparams.json and the files that it tells of. The program curl fetches; its settings for proxies count.

            A fetch that was cut goes on where it was when the same command is given again. Files that are there already are \
            checked, and not fetched again. The licence is shown first.

            Examples:
              orchestrion model fetch 1b_lyrics /models/1b_lyrics
              orchestrion model fetch hf:openai/jukebox-1b-lyrics /models/hf-1b
            """)

    @Argument(
        help: ArgumentHelp("The model: 5b, 5b_lyrics, 1b_lyrics, hf:OWNER/NAME, or an address.", valueName: "name|url"))
    var source: String

    @Argument(help: ArgumentHelp("The folder to bring it to; it is made.", valueName: "dir"))
    var directory: String

    @Flag(
        name: .customLong("accept-licence"), help: "The licence, which is shown, is accepted; without it you are asked."
    )
    var acceptsLicence = false

    @Option(
        help: ArgumentHelp(
            "A mirror: for OpenAI's models a folder with 5b/, 5b_lyrics/, 1b_lyrics/, ids/ and LICENSE; for Hugging Face a "
                + "server of the same form.", valueName: "url"))
    var baseURL: String?

    @Option(
        help: ArgumentHelp(
            "A file with a token of Hugging Face, for what its owner does not show to all.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("Seconds without data after which a try is given up.", valueName: "seconds"))
    var stall: Double = 60

    @Option(
        help: ArgumentHelp("Tries in a row, each after a longer pause, that may bring next to nothing.", valueName: "n")
    )
    var attempts: Int = 6

    @Flag(help: "Print what was fetched as JSON.")
    var json = false

    func validate() throws {
        guard (0.1...3600).contains(stall) else { throw ValidationError("--stall must be 0.1 to 3600 seconds") }
        guard (1...100).contains(attempts) else { throw ValidationError("--attempts must be 1 to 100") }
    }

    func run() throws {
        let source = try ModelSource(source)
        var settings = WebClient.Settings()
        (settings.attempts, settings.stall) = (attempts, .milliseconds(Int64(stall * 1000)))
        settings.token = try token()
        settings.tell = { Terminal.note($0) }
        let client = WebClient(settings)
        let plan = try FetchPlan(source, base: baseURL, client: client)
        let fetch = ModelFetch(plan, into: directory, client: client)
        let survey = try fetch.survey()
        if !survey.missing.isEmpty { try agree(to: plan, survey) }
        let line = Progress(name: "fetching \(plan.name)", total: survey.bytes)
        let files = try fetch.run { line.update($0) }
        line.finish()
        let fresh = Set(files.filter { !$0.wasThere }.map(\.name))
        let check = Progress(name: "checking \(plan.name)", total: nil)
        try fetch.check(fresh: fresh) { check.update(part: $0, of: $1) }
        check.finish()
        try tell(files, plan)
    }

    private func token() throws -> String? {
        guard let tokenFile else { return nil }
        let data = try OptionFile.content(of: tokenFile, option: "token-file", most: 4096)
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.wholeMatch(of: /[A-Za-z0-9._~+\/=-]{1,1024}/) != nil else {
            throw ValidationError("--token-file: \(tokenFile) holds no token: letters and digits in one line")
        }
        return text
    }

    // MARK: the licence

    private func agree(to plan: FetchPlan, _ survey: ModelFetch.Survey) throws {
        if let text = plan.licence { Terminal.note(Self.printable(text).trimmingCharacters(in: .newlines) + "\n") }
        Terminal.note("The licence of \(plan.name): \(plan.licencePlace)")
        let size = survey.bytes.map { ", \(Terminal.bytes($0))" } ?? ""
        Terminal.note("To fetch: \(survey.missing.joined(separator: ", "))\(size)")
        guard !acceptsLicence else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandError(
                "the licence must be accepted before anything is fetched: read it, and give --accept-licence")
        }
        StandardErrorPrompt.show("Do you accept the licence? Write yes: ")
        guard readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
            throw CommandError("the licence was not accepted, and nothing was fetched")
        }
    }

    /// A text of others, without what a terminal obeys.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }))
    }

    // MARK: what came of it

    private struct Report: Encodable {
        var model: String
        var folder: String
        var licence: String
        var files: [ModelFetch.File]
        var checked = true
    }

    private func tell(_ files: [ModelFetch.File], _ plan: FetchPlan) throws {
        if json {
            print(
                try Terminal.json(Report(model: plan.name, folder: directory, licence: plan.licencePlace, files: files))
            )
            return
        }
        for file in files {
            print("\(file.name)  \(Terminal.bytes(file.bytes))\(file.wasThere ? "  was there" : "")")
        }
        print("\(directory) is complete: every tensor has its shape, and no number is a NaN or infinity")
    }
}

private enum StandardErrorPrompt {
    static func show(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// How far it is, when it takes more than a moment.
private final class Progress {
    private let name: String
    private let total: Int?
    private var line: ProgressLine?

    init(name: String, total: Int?) { (self.name, self.total) = (name, total) }

    func update(_ done: Int) {
        if line == nil { line = ProgressLine(name, total: total) }
        line?.update(done)
    }

    func update(part: Int, of parts: Int) {
        if line == nil { line = ProgressLine(name, total: parts) { "\($0) parts" } }
        line?.update(part)
    }

    func finish() { line?.finish() }
}
