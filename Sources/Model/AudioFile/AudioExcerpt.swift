extension AudioReader {
    /// An excerpt as one channel: cut out at the file's own rate, then resampled, as librosa does.
    ///
    /// - Parameters:
    ///   - start: seconds into the audio.
    ///   - seconds: how long it is; nil up to the end. Beyond the end there is nothing.
    ///   - rate: samples per second of the result.
    /// - Throws: ``AudioFileError`` when nothing is left from there on, or as ``read(seconds:at:)`` does.
    package func read(from start: Double, seconds: Double?, at rate: Int) throws -> [Float] {
        guard start > 0 || seconds != nil else { return try read(at: rate) }
        guard start >= 0, start < duration, seconds ?? 1 > 0 else {
            throw AudioFileError(name, "it is \(duration) s long, and has no \(seconds ?? 0) s from \(start) s on")
        }
        let first = Int(start * Double(sampleRate))
        let last = seconds.map { min(frames, first + Int(min($0, limits.seconds) * Double(sampleRate))) } ?? frames
        guard first < last, Double(last - first) <= limits.seconds * Double(sampleRate) else {
            throw AudioFileError(
                name, "an excerpt of it must be longer than 0 s and at most \(Int(limits.seconds)) s")
        }
        let excerpt = try read(first..<last)
        guard rate != sampleRate else { return excerpt }
        let resampler = try Resampler(from: sampleRate, to: rate, path: name)
        var result: [Float] = []
        try excerpt.withUnsafeBufferPointer { all in
            // In blocks, as a whole file is.
            for begin in stride(from: 0, to: all.count, by: 16_384) {
                let block = UnsafeBufferPointer(rebasing: all[begin..<min(all.count, begin + 16_384)])
                try resampler.process(block) { result += $0 }
            }
            try resampler.finish { result += $0 }
        }
        let wanted = Int((Double(excerpt.count) * Double(rate) / Double(sampleRate)).rounded())
        return Array(result.prefix(wanted)) + repeatElement(0, count: max(0, wanted - result.count))
    }
}
