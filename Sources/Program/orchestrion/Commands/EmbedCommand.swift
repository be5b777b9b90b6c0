import ArgumentParser
import Features
import Foundation
import JukeboxModel
import MusicBox
import SongPlan
import Tensor

struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write what the layers of a model make of recordings: features for music research.",
        discussion: """
            Encodes each recording, runs the first layers of the top level's prior over its tokens once, and writes their \
            outputs for numpy, with a JSON beside them that says what they are. Only the layers that are needed are \
            loaded. Nothing is sampled; equal recordings give the same bytes on any machine. A run that was stopped goes \
            on: what is there for the same recording and request is left as it is. A recording that cannot be read is \
            told, and the others are done; the exit code is 1 then.

            --like takes layer, windows, rate and pooling of another project: \
            \(FeatureConvention.allCases.map(\.rawValue).joined(separator: ", ")). Options beside it win.

            Examples:
              orchestrion embed music/ --model /models/5b --like jukemir --out features
              orchestrion embed a.wav b.flac --model /models/5b --layer 36,66 --rate 30 --format npz --out features
              orchestrion embed music/ --layer 6 --pool mean --out features
            """)

    @Argument(help: ArgumentHelp("Recordings, or folders of them.", valueName: "files|folders"))
    var recordings: [String]

    @Option(help: ArgumentHelp("The model's folder, or \(MusicBox.name).", valueName: "dir|name"))
    var model: String = MusicBox.name

    @Option(help: "The geometry of a folder without hparams.json: 5b, 5b_lyrics or 1b_lyrics.")
    var preset: String?

    @Option(
        help: ArgumentHelp(
            "Which layers' outputs, from 1 on, with commas (default: that of --like, or the middle one).",
            valueName: "numbers"))
    var layer: String?

    @Option(
        help: ArgumentHelp(
            "What becomes of the rows: mean (one of all), avg:34 (of so many each) or none (default).",
            valueName: "pooling"))
    var pool: String?

    @Option(
        help: ArgumentHelp(
            "Frames a second, by the spectrum, as 10 or 30; or native (default): one a token.", valueName: "rate"))
    var rate: String?

    @Option(
        help: ArgumentHelp(
            "Which part: first (default), padded (the first with zeros), slices:5,2.5 (seconds, and how far apart) or all.",
            valueName: "rule"))
    var windows: String?

    @Option(help: ArgumentHelp("As another project does.", valueName: "project"))
    var like: FeatureConvention?

    @Option(help: ArgumentHelp("Of the files: npy, npz or safetensors.", valueName: "format"))
    var format: FeatureFormat = .npy

    @Option(help: ArgumentHelp("Seconds into each recording to begin at.", valueName: "seconds"))
    var offset: Double = 0

    @Option(help: ArgumentHelp("Seconds of each recording (default: all).", valueName: "seconds"))
    var duration: Double?

    @Option(help: ArgumentHelp("How numbers are kept: \(NumericProfile.list).", valueName: "name"))
    var profile: NumericProfile = .standard

    @Option(help: ArgumentHelp("Where the files go.", valueName: "dir"))
    var out: String

    @OptionGroup var compute: ThreadOptions

    @Flag(help: "Print what was done of each recording as JSON.")
    var json = false

    func validate() throws {
        _ = try request(depth: 72)
        guard offset >= 0, offset < 1e6 else { throw ValidationError("--offset is seconds, from 0 on") }
        if let duration, !(duration > 0 && duration < 1e6) {
            throw ValidationError("--duration is seconds, more than 0")
        }
    }

    func run() throws {
        let folder = URL(fileURLWithPath: out, isDirectory: true)
        try OutputPlace.check(folder)
        let found = try RecordingNames.find(recordings)
        compute.sayLimits { Terminal.note($0) }
        let model = try Model(path: MusicBox.path(of: model), preset: preset, profile: profile)
        let depth = model.hyperparameters.priors[model.geometry.top].depth
        let request = try request(depth: depth)
        Terminal.note("loading \(request.layers.max() ?? 0) of \(depth) layers of \(model.name) …")
        let extractor = try FeatureExtractor(
            model: model, request: request, team: ThreadTeam(threads: compute.threads))
        let job = try FeatureJob(
            extractor, format: format, model: model.name, profile: profile.name, version: ProgramCommit.version)
        let report = try EmbedRun(extractor: extractor, job: job, folder: folder).run(found)
        print(json ? try Terminal.json(report) : report.text(folder: out))
        if report.failures > 0 { throw ExitCode(1) }
    }

    /// - Parameter depth: of the model.
    private func request(depth: Int) throws -> FeatureRequest {
        var request = like?.request ?? FeatureRequest(layers: [max(1, depth / 2)])
        if let layer {
            request.layers = try layer.split(separator: ",", omittingEmptySubsequences: false).map { text in
                guard let number = Int(text), (1...depth).contains(number) else {
                    throw ValidationError("--layer: \(text) is no layer; there are 1 to \(depth)")
                }
                return number
            }
            guard Set(request.layers).count == request.layers.count else {
                throw ValidationError("--layer names a layer twice")
            }
        } else if let like, depth != 72 {
            throw ValidationError(
                "--like \(like.rawValue) takes layer \(request.layers[0]) of 72, and this model has \(depth): say --layer"
            )
        }
        if let pool {
            guard let pooling = Pooling(pool) else { throw ValidationError("--pool is mean, avg:34 or none") }
            request.pool = pooling
        }
        if let windows {
            guard let rule = WindowRule(windows) else {
                throw ValidationError("--windows is first, padded, all or slices:5,2.5")
            }
            request.windows = rule
        }
        if let rate {
            guard rate == "native" || (Double(rate) ?? 0) > 0 else {
                throw ValidationError("--rate is frames a second, as 10 or 30, or native")
            }
            request.rate = Double(rate)
        }
        (request.offset, request.duration) = (offset, duration)
        return request
    }
}

extension FeatureConvention: ExpressibleByArgument {}
extension FeatureFormat: ExpressibleByArgument {}
