import AudioFile

/// Recordings of any format.
enum AudioInputs {
    /// As much as a song begins with.
    private static let seconds = 30.0

    static func recording(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try refusing(AudioFileError.self) {
            try ScratchFile.with(bytes, "recording") { path in
                let samples = try AudioReader(path: path).read(seconds: seconds, at: 44_100)
                guard samples.count <= Int(seconds * 44_100), samples.allSatisfy(\.isFinite) else {
                    throw BrokenPromise("samples that are too many, or no numbers")
                }
            }
        }
    }
}
