import CSndFile

/// A part of a file whose header is read, with its decoder.
final class OpenPart {
    /// Which of how many, from 1; for messages.
    let number: Int
    let count: Int
    /// The file's name.
    let name: String
    let sampleRate: Int
    let channels: Int
    /// Samples of each channel, as far as they are known before they are decoded.
    let frames: Int
    /// False where ``frames`` is only estimated.
    let hasExactLength: Bool
    let file: OpaquePointer
    private let stream: PartStream

    /// Reads the header.
    ///
    /// - Throws: ``AudioFileError`` if this is no audio or outside the limits.
    init(
        _ part: FilePart, number: Int, of count: Int, in scanned: ScannedFile, limits: AudioReader.Limits
    ) throws {
        (self.number, self.count, name) = (number, count, scanned.name)
        let place = count == 1 ? "" : "part \(number) of \(count): "
        var opened = Self.decoder(part, scanned.descriptor, withNote: false)
        // Where MPEG audio has no note on its length, the decoder guesses, and stops there.
        if let file = opened.file, opened.isEstimate, !part.note.isEmpty,
            Int(opened.info.frames) < part.length?.frames ?? 0
        {
            sf_close(file)
            opened = Self.decoder(part, scanned.descriptor, withNote: true)
        }
        stream = opened.stream
        guard let file = opened.file else {
            let words = ForeignFormat.refusal(
                of: scanned, at: part.range.lowerBound, decoder: opened.failure.withoutFullStop)
            throw AudioFileError(name, place + words)
        }
        self.file = file
        sampleRate = Int(opened.info.samplerate)
        channels = Int(opened.info.channels)
        // A petabyte of audio: the header of a stream that never ended, or a lie.
        let isKnown = opened.info.frames < 1 << 50
        hasExactLength = isKnown && !opened.isEstimate
        if let length = part.length, !hasExactLength {
            frames = Int(min(Double(length.frames) * Double(sampleRate) / Double(max(1, length.rate)), 1e18))
        } else {
            frames = Int(opened.info.frames)
        }
        // From here on every property is set, so that deinit closes the file.
        try checkHeader(limits, place)
    }

    private struct Opening {
        var stream: PartStream
        var file: OpaquePointer?
        var info = SF_INFO()
        var failure = ""

        /// MPEG audio has no length of its own.
        var isEstimate: Bool {
            Int(info.format) & SF_FORMAT_TYPEMASK == SF_FORMAT_MPEG
                || Int(info.format) & SF_FORMAT_SUBMASK == SF_FORMAT_MPEG_LAYER_III
        }
    }

    private static func decoder(_ part: FilePart, _ descriptor: Int32, withNote: Bool) -> Opening {
        var opening = Opening(stream: PartStream(descriptor: descriptor, part: part, withNote: withNote))
        (opening.file, opening.failure) = opening.stream.open(&opening.info)
        return opening
    }

    deinit {
        sf_close(file)
    }

    private func checkHeader(_ limits: AudioReader.Limits, _ place: String) throws {
        guard limits.channels.contains(channels) else {
            throw AudioFileError(
                name, "\(place)its header says \(channels) channels; \(limits.channels) are possible")
        }
        guard limits.sampleRates.contains(sampleRate) else {
            throw AudioFileError(
                name, "\(place)its header says \(sampleRate) Hz; \(limits.sampleRates) Hz are possible")
        }
        guard frames > 0 else { throw AudioFileError(name, "\(place)it holds no audio") }
        guard frames < 1 << 50 else {
            throw AudioFileError(
                name,
                "\(place)the file is damaged: its length cannot be found. Get it whole; if what can be heard will do: "
                    + ShellWords.conversion(of: name))
        }
    }

    /// A place in the part, for errors.
    func describe(_ frame: Int) -> String {
        let milliseconds = Int((Double(frame) / Double(sampleRate) * 1_000).rounded())
        let fraction = String(1_000 + milliseconds % 1_000).dropFirst()
        let place = count == 1 ? "" : " of part \(number)"
        return "sample \(frame)\(place) (\(milliseconds / 1_000).\(fraction) s)"
    }
}
