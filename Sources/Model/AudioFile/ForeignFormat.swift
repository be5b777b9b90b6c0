/// What a file is that cannot be read here, by its first bytes, and what to do about it.
enum ForeignFormat {
    private enum Kind {
        /// Sound that other programs read.
        case audio(String)
        /// Something else; what to do.
        case other(String, String)
    }

    /// The words for sound that other programs read.
    static func words(_ what: String, _ name: String) -> String {
        "\(what), which is not read here. Convert it: \(ShellWords.conversion(of: name))"
    }

    /// Why a file of a known but foreign format is refused; nil if it may be one that libsndfile reads.
    static func refusal(of file: ScannedFile, at start: Int) -> String? {
        binaryKind(file, start).map { text($0, file.name) }
    }

    /// Why a file that the decoder refuses is refused.
    static func refusal(of file: ScannedFile, at start: Int, decoder words: Substring) -> String {
        if let kind = binaryKind(file, start) ?? textKind(file, start) { return text(kind, file.name) }
        if file.isZero(start..<file.size) {
            return "not audio: it holds nothing but zeros; a download or copy that failed?"
        }
        if let kind = FormatScan.clearKind(of: file, at: start) {
            return "not audio that can be read here, though it begins like \(Self.name(kind)) (\(words)); "
                + "try: \(ShellWords.conversion(of: file.name))"
        }
        return "not audio of a format that is known here (\(words)). WAV, FLAC, OGG and MP3 are read; "
            + "if it is a recording: \(ShellWords.conversion(of: file.name))"
    }

    private static func name(_ kind: FormatScan.Kind) -> String {
        switch kind {
        case .riff: "WAV"
        case .aiff: "AIFF"
        case .wave64: "Wave64"
        case .au: "AU"
        case .caf: "CAF"
        case .ogg: "Ogg"
        case .flac: "FLAC"
        case .mpeg: "MP3"
        }
    }

    private static func text(_ kind: Kind, _ name: String) -> String {
        switch kind {
        case .audio(let what): words(what, name)
        case .other(let what, let advice): "\(what), not audio. \(advice)"
        }
    }

    // MARK: By magic bytes

    private static func binaryKind(_ file: ScannedFile, _ start: Int) -> Kind? {
        let head = file.bytes(at: start, count: min(64, file.size - start)) ?? []
        if let kind = mediaKind(head) { return kind }
        for (magic, what) in audioMagics where head.starts(with: magic) { return .audio(what) }
        for (magic, what, advice) in otherMagics where head.starts(with: magic) { return .other(what, advice) }
        return nil
    }

    private static func latin(_ bytes: some Sequence<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// Containers, which say inside what they hold.
    private static func mediaKind(_ head: [UInt8]) -> Kind? {
        guard head.count >= 12 else { return nil }
        let (second, third) = (latin(head[4..<8]), latin(head[8..<12]))
        if second == "ftyp" {
            return .audio(brands[third] ?? (third.hasPrefix("3g") ? "3GP (a phone's recording)" : "MP4"))
        }
        if ["moov", "mdat", "wide", "free", "skip", "pnot"].contains(second), head[0] < 0x10 {
            return .audio("QuickTime")
        }
        if latin(head[0..<4]) == "RIFF" {
            switch third {
            case "AVI ": return .audio("AVI video")
            case "RMID": return .other("MIDI", midiAdvice)
            case "QLCM": return .audio("QCP (a phone's recording)")
            case "CDXA": return .audio("video of a CD")
            case "WEBP": return .other("a picture", "Give a recording")
            case _: return nil
            }
        }
        if head.starts(with: [0x1a, 0x45, 0xdf, 0xa3]) {
            return .audio(latin(head).contains("webm") ? "WebM" : "Matroska (MKV, MKA or WebM)")
        }
        if head[0] == 0xff, head[1] & 0xf6 == 0xf0, head[2] >> 2 & 15 < 13 { return .audio("AAC") }
        if head[0] == 0x47, head[1] & 0xa0 == 0x00 || head[1] & 0xe0 == 0x40, head.count >= 12, head[3] & 0x10 != 0 {
            return .audio("MPEG-TS video")
        }
        return nil
    }

    private static let brands = [
        "M4A ": "M4A (AAC or ALAC)", "M4B ": "M4B (an audio book)", "M4P ": "M4P (protected AAC)",
        "M4V ": "M4V video", "qt  ": "QuickTime", "F4A ": "F4A (AAC)", "F4V ": "F4V video",
        "isom": "MP4", "iso2": "MP4", "mp41": "MP4", "mp42": "MP4 (M4A or video)", "avc1": "MP4 video",
        "dash": "MP4 in pieces (a stream)", "heic": "a picture (HEIC)",
    ]

    private static let audioMagics: [(magic: [UInt8], what: String)] = [
        ([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], "WMA or WMV (ASF)"),
        (Array("#!AMR".utf8), "AMR (a phone's recording)"), (Array("#!SILK".utf8), "SILK (a messenger's recording)"),
        ([2] + Array("#!SILK".utf8), "SILK (a messenger's recording)"),
        (Array("#!EVS".utf8), "EVS (a phone's recording)"),
        (Array("ADIF".utf8), "AAC"), (Array("MAC ".utf8), "Monkey's Audio (APE)"), (Array("wvpk".utf8), "WavPack"),
        (Array("TTA1".utf8), "True Audio (TTA)"), (Array("TTA2".utf8), "True Audio (TTA)"),
        (Array("MPCK".utf8), "Musepack"), (Array("MP+".utf8), "Musepack"), (Array("OFR ".utf8), "OptimFROG"),
        (Array("tBaK".utf8), "TAK"), (Array("ajkg".utf8), "Shorten"), (Array("DSD ".utf8), "DSD (DSF)"),
        (Array("FRM8".utf8), "DSD (DFF)"), (Array("FLV".utf8), "Flash video"), (Array(".RMF".utf8), "RealMedia"),
        ([0x2e, 0x72, 0x61, 0xfd], "RealAudio"), ([0x0b, 0x77], "AC-3"), ([0x7f, 0xfe, 0x80, 0x01], "DTS"),
        ([0, 0, 1, 0xba], "MPEG video"), ([0, 0, 1, 0xb3], "MPEG video"),
    ]

    private static let midiAdvice =
        "It holds notes and no sound: play it to a WAV file with a synthesizer (timidity -Ow, fluidsynth -F)"
    private static let unpackAdvice = "Unpack it, and give the recording in it"

    private static let otherMagics: [(magic: [UInt8], what: String, advice: String)] = [
        (Array("MThd".utf8), "MIDI", midiAdvice),
        (Array("Extended Module:".utf8), "a tracker's module", "Play it to a WAV file (openmpt123 --render)"),
        (Array("IMPM".utf8), "a tracker's module", "Play it to a WAV file (openmpt123 --render)"),
        (
            [0x50, 0x4b, 3, 4], "a ZIP archive, or codes of PyTorch",
            "Unpack it, and give the recording in it; codes belong to --codes"
        ),
        ([0x1f, 0x8b], "a gzip archive", unpackAdvice), (Array("BZh".utf8), "a bzip2 archive", unpackAdvice),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz archive", unpackAdvice),
        ([0x28, 0xb5, 0x2f, 0xfd], "a zstd archive", unpackAdvice),
        ([0x37, 0x7a, 0xbc, 0xaf], "a 7z archive", unpackAdvice), (Array("Rar!".utf8), "a RAR archive", unpackAdvice),
        (Array("%PDF".utf8), "a PDF", "Give a recording"), ([0x89, 0x50, 0x4e, 0x47], "a picture", "Give a recording"),
        ([0xff, 0xd8, 0xff], "a picture", "Give a recording"), (Array("GIF8".utf8), "a picture", "Give a recording"),
        ([0x7f, 0x45, 0x4c, 0x46], "a program", "Give a recording"),
        (
            [0x93] + Array("NUMPY".utf8), "a NumPy array",
            "Write it as a WAV file (soundfile.write, scipy.io.wavfile.write)"
        ),
        (Array("SQLite format 3".utf8), "a database", "Give a recording"),
    ]

    // MARK: Texts

    private static func textKind(_ file: ScannedFile, _ start: Int) -> Kind? {
        let bytes = file.bytes(at: start, count: min(2_048, file.size - start)) ?? []
        let isWide = bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff])
        let plain = isWide ? bytes.dropFirst(2).filter { $0 != 0 } : bytes
        let controls = plain.filter { $0 < 0x20 && ![9, 10, 12, 13].contains($0) || $0 == 0x7f }
        guard !plain.isEmpty, controls.isEmpty else { return nil }
        var text = latin(plain).lowercased()
        if text.hasPrefix("\u{ef}\u{bb}\u{bf}") { text.removeFirst(3) }
        text = String(text.drop { $0.isWhitespace })
        if text.hasPrefix("version https://git-lfs") {
            return .other("a git-lfs pointer", "Fetch the file that it stands for: git lfs pull")
        }
        if ["<!doctype html", "<html", "<head", "<body", "<script"].contains(where: text.hasPrefix)
            || text.hasPrefix("<!--") && text.contains("<html")
        {
            return .other("a web page", "The download failed, or wants a login; get the recording itself")
        }
        if text.hasPrefix("#extm3u") || text.hasPrefix("[playlist]") || text.hasPrefix("<asx") {
            return .other("a playlist", "Give the files that it names")
        }
        if text.hasPrefix("{") || text.hasPrefix("[") {
            return .other("a text (JSON)", "A server's error, or a song file, which belongs to --song?")
        }
        if text.hasPrefix("<") { return .other("a text (XML)", "A download that failed? Get the recording itself") }
        if text.hasPrefix("file ") || text.hasPrefix("rem ") || text.contains("\ntrack 01") {
            return .other("a text (a cue sheet)", "Give the recording that it names")
        }
        let isASCII = plain.allSatisfy { $0 < 0x80 }
        guard isASCII || isWide || plain.count < 4 || String(validating: plain, as: UTF8.self) != nil else {
            return nil
        }
        return .other("a text", "Give a recording: WAV, FLAC, OGG or MP3")
    }
}
