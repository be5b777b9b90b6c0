/// Looks at a file's structure before it is decoded: whether its end is missing, what recordings lie in it, and which
/// numbers of its header cannot be. libsndfile reads on without a word, or ignores what follows.
enum FormatScan {
    /// More recordings in one file are not one.
    private static let mostParts = 500

    /// - Throws: ``AudioFileError`` for what is truncated, or of a format that cannot be read.
    static func layout(of file: ScannedFile) throws -> FileLayout {
        var layout = FileLayout()
        var position = try TagScan.end(ofTagsIn: file, at: 0)
        guard position < file.size else {
            throw file.truncated("it holds only a tag (ID3 or APE), and no audio")
        }
        let kind = kind(of: file, at: position)
        repeat {
            guard layout.parts.count < mostParts else {
                throw file.refusal("over \(mostParts) recordings lie in it one after another; cut it")
            }
            position = try scan(file, at: position, into: &layout)
        } while position < file.size
        // A chained Ogg and an MP3 with seams are what they should be.
        if layout.parts.count > 1, kind != .ogg, kind != .mpeg {
            layout.warn("\(layout.parts.count) recordings lie in it one after another; they are read as one")
        }
        return layout
    }

    enum Kind {
        case riff, aiff, wave64, au, caf, ogg, flac, mpeg
    }

    /// The kind of recording that begins there, for those that are looked into here.
    static func kind(of file: ScannedFile, at position: Int) -> Kind? {
        if let kind = clearKind(of: file, at: position) { return kind }
        return MPEGScan.begins(in: file, at: position) ? .mpeg : nil
    }

    /// The same for those that say so in four letters or more.
    static func clearKind(of file: ScannedFile, at position: Int) -> Kind? {
        guard let tag = file.tag(at: position) else { return nil }
        let form = file.tag(at: position + 8)
        switch tag {
        case "RIFF", "RIFX", "RF64", "BW64": return form == "WAVE" ? .riff : nil
        case "FORM": return form == "AIFF" || form == "AIFC" ? .aiff : nil
        case "riff": return Wave64Scan.begins(in: file, at: position) ? .wave64 : nil
        case ".snd", "dns.": return .au
        case "caff": return .caf
        case "OggS": return .ogg
        case "fLaC": return .flac
        case _: return nil
        }
    }

    /// Adds the recording that begins there.
    ///
    /// - Returns: where the next begins; the file's end when there is none.
    private static func scan(_ file: ScannedFile, at start: Int, into layout: inout FileLayout) throws -> Int {
        switch kind(of: file, at: start) {
        case .riff:
            var scan = ChunkScan(file: file, start: start, isAIFF: false)
            return try scan.scan(into: &layout)
        case .aiff:
            var scan = ChunkScan(file: file, start: start, isAIFF: true)
            return try scan.scan(into: &layout)
        case .wave64: return try Wave64Scan(file: file, start: start).scan(into: &layout)
        case .au: return try AUScan.scan(file, at: start, into: &layout)
        case .caf: return try CAFScan.scan(file, at: start, into: &layout)
        case .ogg:
            var scan = OggScan(file: file, start: start)
            return try scan.scan(into: &layout)
        case .flac: return try FLACScan(file: file, start: start).scan(into: &layout)
        case .mpeg:
            var scan = try MPEGScan(file: file, start: start)
            return try scan.scan(into: &layout)
        case nil:
            if let refusal = ForeignFormat.refusal(of: file, at: start) { throw file.refusal(refusal) }
            if let frames = MPEGScan.firstFrames(in: file, from: start) { return frames }
            layout.parts.append(FilePart(range: start..<file.size))
            return file.size
        }
    }

    /// Looks at what follows a recording.
    ///
    /// - Parameters:
    ///   - start: where the recording begins, if another may have been put in place of its end.
    ///   - ignoresLength: whether ffmpeg must be told to read on.
    /// - Returns: where the next begins; the file's end when there is none, with a warning if something else is there.
    static func next(
        in file: ScannedFile, after end: Int, _ layout: inout FileLayout, start: Int? = nil, ignoresLength: Bool = false
    ) throws -> Int {
        for start in [end, end + 1] where start < file.size {
            let next = try TagScan.end(ofTagsIn: file, at: start)
            if next >= file.size || kind(of: file, at: next) != nil { return min(next, file.size) }
        }
        let rest = file.size - end
        // Some programs fill up with zeros or a few bytes.
        guard rest > 16, !file.isZero(end..<file.size) else { return file.size }
        if let start, let tag = file.bytes(at: start, count: 4),
            let place = file.find(tag, in: start + 4..<end), kind(of: file, at: place) == kind(of: file, at: start)
        {
            throw file.truncated("another recording begins at byte \(place), before its end")
        }
        layout.warn(
            "\(rest) bytes after the end that its header gives are not read; "
                + "if they are audio, try: \(ShellWords.conversion(of: file.name, ignoresLength: ignoresLength))")
        return file.size
    }

    /// The warning for a header that was never completed.
    static func unfinished(_ what: String) -> String {
        "its header was not completed (\(what)): its program died, or wrote to a pipe; it is read to its end"
    }
}
