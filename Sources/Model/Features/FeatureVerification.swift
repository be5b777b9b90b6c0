package import Checkpoint
package import JukeboxModel
import SongPlan
package import Tensor

/// Compares features with those of the original code, of the same model and audio: every tensor of a file, whose names
/// say what they are.
///
/// `full` is the audio as it is, `short` its first 5000 samples, `normalised` the audio after division by its peak,
/// `windows` all of it in Sheet Sage's windows, `scenario` tokens that the file gives.
package struct FeatureVerification {
    package enum Numbers {
        case whole(ours: [Int], theirs: [Int])
        case real(ours: [Float], theirs: [Float], tolerance: Double)
    }

    private let model: Model
    private let oracle: Checkpoint
    private let audio: [Float]
    private let scenarioLabels: [Int]
    private let team: ThreadTeam
    private let geometry: FeatureGeometry
    private let prior: Prior
    private let top: Int

    /// - Parameters:
    ///   - oracle: the file.
    ///   - audio: what it was made of; mono.
    ///   - scenarioLabels: the label vector of the scenario's first window.
    package init(
        model: Model, oracle: Checkpoint, audio: [Float], scenarioLabels: [Int], team: ThreadTeam
    ) throws {
        (self.model, self.oracle, self.audio, self.team) = (model, oracle, audio, team)
        self.scenarioLabels = scenarioLabels
        geometry = FeatureGeometry(model)
        top = model.geometry.top
        prior = try model.prior(level: top)
    }

    private static let activationTolerance = 1e-3
    private static let meanTolerance = 1e-4
    private static let logitTolerance = 5e-3

    /// - Parameter report: gets every quantity with its name.
    /// - Throws: `FeatureError` for a tensor that says nothing known.
    package func run(report: (String, Numbers) -> Void) throws {
        let last = layers.max() ?? 1
        let extractor = try FeatureExtractor(model: model, request: FeatureRequest(layers: [last]), team: team)
        var runs: [String: Run] = [:]
        for name in oracle.tensors.keys.sorted() {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw unknown(name) }
            if let fixed = try fixed(name) {
                report(name, fixed)
                continue
            }
            if runs[parts[0]] == nil { runs[parts[0]] = try self.run(parts[0], extractor, unknown(name)) }
            guard let run = runs[parts[0]] else { throw unknown(name) }
            report(name, try compare(parts[1], run, name, extractor))
        }
    }

    private func unknown(_ name: String) -> FeatureError {
        FeatureError("the file of features has \(name), which is not known here")
    }

    /// Layers that the file has outputs of.
    private var layers: Set<Int> {
        Set(
            oracle.tensors.keys.compactMap { name in
                name.firstRange(of: ".layer_").flatMap { Int(name[$0.upperBound...].prefix { $0.isNumber }) }
            })
    }

    // MARK: what is computed

    /// Some windows, and what their layers put out, one after another.
    private struct Run {
        var tokens: [UInt16]
        var labels: [[Int]]
        var activations: [Activations]
    }

    private func run(_ kind: String, _ extractor: FeatureExtractor, _ unknown: FeatureError) throws -> Run {
        var samples = audio
        var request = FeatureRequest(layers: [1])
        switch kind {
        case "full": break
        case "short": samples = Array(audio.prefix(5000))
        case "normalised": FeatureExtractor.normalise(&samples)
        case "windows": request.windows = .all
        case "scenario":
            let tokens = try integers("scenario.tokens").map { (token: Int) in UInt16(clamping: token) }
            return self.run([ActivationWindow(labels: scenarioLabels, tokens: tokens)])
        case _: throw unknown
        }
        let windows = try geometry.windows(request, count: samples.count, total: samples.count)
        // All tokens of a padded window are compared.
        return self.run(
            windows.map { window in
                var window = window
                if window.padding > 0 { window.rows = geometry.windowLength }
                return ActivationWindow(labels: window.labels, tokens: extractor.tokens(window, of: samples))
            })
    }

    private func run(_ windows: [ActivationWindow]) -> Run {
        Run(
            tokens: windows.flatMap(\.tokens), labels: windows.map(\.labels),
            activations: prior.activations(of: windows, layers: layers, team: team) ?? [])
    }

    // MARK: what is compared

    private func integers(_ name: String) throws -> [Int] { try oracle.tensors[name]?.int64s().map { Int($0) } ?? [] }

    private func floats(_ name: String) throws -> [Float] { try oracle.tensors[name]?.floats() ?? [] }

    /// What follows from the labels alone.
    private func fixed(_ name: String) throws -> Numbers? {
        let y = geometry.fixedLabels
        let conditioning = prior.labelConditioning(y, rows: geometry.windowLength)
        switch name {
        case "jukemirlib.y": return .whole(ours: y, theirs: try integers(name))
        case "cond.x":
            return .real(ours: conditioning?.timing ?? [], theirs: try floats(name), tolerance: Self.meanTolerance)
        case "cond.y":
            return .real(ours: conditioning?.start ?? [], theirs: try floats(name), tolerance: Self.meanTolerance)
        case _: return nil
        }
    }

    private func compare(
        _ part: String, _ run: Run, _ name: String, _ extractor: FeatureExtractor
    ) throws -> Numbers {
        switch part {
        case "tokens": return .whole(ours: run.tokens.map(Int.init), theirs: try integers(name))
        case "y": return .whole(ours: run.labels.flatMap { $0 }, theirs: try integers(name))
        case "logits":
            let all = prior.logits(labels: run.labels[0], above: nil, music: run.tokens, team: team)
            let music = all.suffix(run.tokens.count * prior.shape.vocabulary)
            return .real(ours: Array(music), theirs: try floats(name), tolerance: Self.logitTolerance)
        case _: break
        }
        let words = part.split(separator: ".").map(String.init)
        guard words.count <= 2, words[0].hasPrefix("layer_"), let layer = Int(words[0].dropFirst(6)) else {
            throw unknown(name)
        }
        let theirs = try floats(name)
        let rows = try self.rows(run, layer: layer, most: words.count == 1 ? theirs.count / prior.shape.width : nil)
        guard words.count == 2 else {
            return .real(ours: Array(rows.values.elements), theirs: theirs, tolerance: Self.activationTolerance)
        }
        let made: FeatureArray
        switch words[1] {
        case "mean": made = rows.mean()
        case "30hz": made = extractor.resampled(rows, rate: 30)
        case "10hz": made = extractor.resampled(rows, rate: 10)
        case "avg34": made = rows.averages(of: 34)
        case "plus_cond":
            let timing = prior.labelConditioning(run.labels[0], rows: rows.shape[0])?.timing ?? []
            return .real(
                ours: zip(rows.values.elements, timing).map { $0 + $1 }, theirs: theirs,
                tolerance: Self.activationTolerance)
        case _: throw unknown(name)
        }
        return .real(ours: Array(made.values.elements), theirs: theirs, tolerance: Self.meanTolerance)
    }

    /// A layer's rows of all windows; at most so many.
    private func rows(_ run: Run, layer: Int, most: Int?) throws -> FeatureArray {
        let width = prior.shape.width
        let all = FeatureArray.joining(
            run.activations.compactMap { found in
                found.layers[layer].map { FeatureArray(shape: [found.rows, width], values: $0) }
            }, width: width)
        guard let most, most < all.shape[0] else { return all }
        let kept = Buffer<Float>(count: most * width)
        kept.pointer.update(from: all.values.pointer, count: kept.count)
        return FeatureArray(shape: [most, width], values: kept)
    }
}
