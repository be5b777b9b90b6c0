package import JukeboxModel
import SongPlan
package import Tensor

/// Computes what a request wants of recordings, with the first layers of a model's top level.
///
/// Used by one thread at a time.
package final class FeatureExtractor {
    package let geometry: FeatureGeometry
    package let request: FeatureRequest
    package let width: Int
    /// Of the weights that were loaded: profile, geometry, and the tensors of the layers that are needed.
    package let fingerprint: String
    /// Of the network that makes tokens of audio.
    package let codecFingerprint: String

    private let vqvae: VQVAE
    private let prior: Prior
    private let top: Int
    private let team: ThreadTeam
    /// The last one; most windows have the same length.
    private var resampling: FourierResampling?

    /// Loads the layers that are needed, and no others.
    ///
    /// - Throws: `FeatureError` for what the model cannot give, and what loading a model throws.
    package init(model: Model, request: FeatureRequest, team: ThreadTeam) throws {
        let geometry = FeatureGeometry(model)
        let top = model.geometry.top
        let depth = model.hyperparameters.priors[top].depth
        guard let last = request.layers.max(), let first = request.layers.min(), first >= 1, last <= depth else {
            throw FeatureError("\(model.name) has the layers 1 to \(depth) at its top level")
        }
        if let rate = request.rate, !(rate > 0 && rate <= geometry.nativeRate) {
            throw FeatureError(
                "\(model.name) has \(geometry.nativeRate) rows a second; a rate is above 0 and at most that")
        }
        (self.geometry, self.request, self.team, self.top) = (geometry, request, team, top)
        let identity = try model.identity(level: top, firstLayers: last)
        vqvae = try model.vqvae()
        prior = try model.prior(level: top, announced: identity, firstLayers: last)
        fingerprint = identity.fingerprint
        codecFingerprint = vqvae.fingerprint
        width = prior.shape.width
    }

    /// Windows that are computed side by side, so that steps have rows enough to be bound by arithmetic.
    package var windowsAtOnce: Int { max(1, Prior.activationRows / prior.blockLength) }

    /// Multiplications and additions of the layers' products for one row.
    package var operationsPerRow: Double { prior.operationsPerRow }

    /// Tokens of a window of an excerpt.
    ///
    /// - Parameter audio: the excerpt; mono, at the model's rate.
    package func tokens(_ window: FeatureWindow, of audio: [Float]) -> [UInt16] {
        var samples = Array(audio[window.samples])
        if window.hasOwnPeak { Self.normalise(&samples) }
        samples += repeatElement(0, count: window.padding)
        return Array(vqvae.encode(samples, level: top, team: team, most: geometry.windowLength).prefix(window.rows))
    }

    /// Divides by the largest magnitude, unless that is 0.
    package static func normalise(_ samples: inout [Float]) {
        let peak = samples.reduce(0) { max($0, abs($1)) }
        guard peak > 0 else { return }
        for index in samples.indices { samples[index] /= peak }
    }

    /// Rows that windows take to compute, for progress.
    package func rows(_ windows: [FeatureWindow]) -> Int { windows.reduce(0) { $0 + prior.prefix + $1.rows } }

    /// What the request wants of an excerpt, after the excerpt was normalised.
    ///
    /// - Parameter progress: gets rows as they are done; false stops.
    /// - Returns: by slice (one in all for other windows), by layer in the request's order; nil when it was stopped.
    /// - Throws: `EnvironmentDisturbed`.
    package func features(
        _ windows: [FeatureWindow], of audio: [Float], progress: (Int) -> Bool = { _ in true }
    ) throws -> [[FeatureArray]]? {
        let disturbances = FloatEnvironment.disturbances
        // [window][layer]
        var parts: [[WindowFrames]] = []
        for first in stride(from: 0, to: windows.count, by: windowsAtOnce) {
            let group = windows[first..<min(windows.count, first + windowsAtOnce)].map {
                ActivationWindow(labels: $0.labels, tokens: tokens($0, of: audio))
            }
            guard let found = activations(group, progress: progress) else { return nil }
            parts += found.map { found in request.layers.map { framed(rows(found, layer: $0)) } }
        }
        let slices: [[[WindowFrames]]] = request.windows.isSliced ? parts.map { [$0] } : [parts]
        let result = slices.map { windows in
            request.layers.indices.map { layer in
                let frames = windows.map { $0[layer] }
                return request.pool == .mean
                    ? WindowFrames.mean(frames) : FeatureArray.joining(frames.map(\.array), width: width)
            }
        }
        guard FloatEnvironment.disturbances == disturbances else { throw EnvironmentDisturbed() }
        return result
    }

    /// Outputs of the request's layers for windows side by side.
    package func activations(_ windows: [ActivationWindow], progress: (Int) -> Bool = { _ in true }) -> [Activations]? {
        prior.activations(of: windows, layers: Set(request.layers), team: team, progress: progress)
    }

    private func rows(_ activations: Activations, layer: Int) -> FeatureArray {
        guard let values = activations.layers[layer] else { preconditionFailure("layer \(layer) was not computed") }
        return FeatureArray(shape: [activations.rows, width], values: values)
    }

    /// A window's rows as frames of the wanted rate, or what the request makes of those.
    private func framed(_ rows: FeatureArray) -> WindowFrames {
        let frames = request.rate.map { resampled(rows, rate: $0) } ?? rows
        let count = frames.shape[0]
        switch request.pool {
        case .none: return WindowFrames(array: frames, count: count)
        case .mean: return WindowFrames(array: frames.mean(), count: count)
        case .average(let window): return WindowFrames(array: frames.averages(of: window), count: count)
        }
    }

    /// [rows][width] as frames of another rate, [frames][width].
    package func resampled(_ rows: FeatureArray, rate: Double) -> FeatureArray {
        let count = rows.shape[0]
        let frames = FourierResampling.frames(rows: count, rate: rate, native: geometry.nativeRate)
        if resampling?.rows != count || resampling?.frames != frames {
            resampling = FourierResampling(rows: count, frames: frames)
        }
        let result = Buffer<Float>(count: frames * width)
        FloatEnvironment.exact {
            resampling?.apply(rows.values.pointer, width: width, into: result.pointer, team: team)
        }
        return FeatureArray(shape: [frames, width], values: result)
    }

    /// Rows or frames a second of the result; nil for means.
    package var framesPerSecond: Double? {
        let rate = request.rate ?? geometry.nativeRate
        switch request.pool {
        case .none: return rate
        case .mean: return nil
        case .average(let count): return rate / Double(count)
        }
    }

    /// Numbers that the request wants of these windows.
    package func numbers(of windows: [FeatureWindow]) -> Int {
        let frames = windows.reduce(0) { sum, window in
            var frames = window.rows
            if let rate = request.rate {
                frames = FourierResampling.frames(rows: frames, rate: rate, native: geometry.nativeRate)
            }
            if case .average(let size) = request.pool { frames /= size }
            return sum + frames
        }
        return frames * width * request.layers.count
    }
}
