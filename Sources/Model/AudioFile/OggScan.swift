/// Ogg: pages, each of a header of 27 bytes, a table of lengths, and as many bytes as their sum. A stream begins with a
/// page that says so; streams may follow each other (a chained file), of which libsndfile reads the first.
struct OggScan {
    let file: ScannedFile
    let start: Int

    private var streams: [UInt64] = []
    private var isPastHeads = false
    private var lastNumber: UInt64?
    private var lastTime: UInt64 = 0
    private var hasEnd = false

    private static let mostPages = 3_000_000

    init(file: ScannedFile, start: Int) {
        (self.file, self.start) = (file, start)
    }

    private struct Page {
        var begins: Bool
        var ends: Bool
        var time: UInt64
        var stream: UInt64
        var number: UInt64
        var bodyStart: Int
        var end: Int
    }

    /// The page there; nil where there is none.
    ///
    /// - Throws: ``AudioFileError`` if it is cut off.
    private func page(at position: Int) throws -> Page? {
        guard file.tag(at: position) == "OggS" else { return nil }
        guard let head = file.bytes(at: position, count: 27) else {
            throw file.truncated(missing: position + 27 - file.size)
        }
        let bodyStart = position + 27 + Int(head[26])
        guard let table = file.bytes(at: position + 27, count: Int(head[26])) else {
            throw file.truncated(missing: bodyStart - file.size)
        }
        let end = bodyStart + table.reduce(0) { $0 + Int($1) }
        guard end <= file.size else { throw file.truncated(missing: end - file.size) }
        func number(_ range: Range<Int>) -> UInt64 { head[range].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return Page(
            begins: head[5] & 2 != 0, ends: head[5] & 4 != 0, time: number(6..<14), stream: number(14..<18),
            number: number(18..<22), bodyStart: bodyStart, end: end)
    }

    /// Adds the recording, and says where the next begins.
    mutating func scan(into layout: inout FileLayout) throws -> Int {
        var position = start
        var firstBody = start
        for count in 0... {
            guard count < Self.mostPages else { throw file.refusal("it has over \(Self.mostPages) pages; cut it") }
            guard let page = try page(at: position) else { break }
            if page.begins {
                if isPastHeads { break }
                if streams.isEmpty { firstBody = page.bodyStart }
                streams.append(page.stream)
            } else {
                try follow(page, at: position, &layout)
            }
            position = page.end
        }
        try checkCodec(at: firstBody)
        if !hasEnd { layout.warn("a stream has no end mark: it was cut short, or recorded from a broadcast") }
        let next = try next(after: position, &layout)
        var part = FilePart(range: start..<position)
        part.length = length(firstBody)
        layout.parts.append(part)
        return next
    }

    private mutating func follow(_ page: Page, at position: Int, _ layout: inout FileLayout) throws {
        isPastHeads = true
        guard streams.contains(page.stream) else {
            throw file.refusal(
                "from byte \(position) on a stream goes on whose beginning is missing; "
                    + "mend it: \(file.conversion)")
        }
        guard streams.count == 1 else { return }
        if let lastNumber, page.number > lastNumber + 1 {
            layout.warn("\(page.number - lastNumber - 1) pages are missing at byte \(position); a gap will be heard")
        }
        lastNumber = page.number
        // No packet ends on the page.
        if page.time != .max { lastTime = page.time }
        hasEnd = page.ends
    }

    private func next(after position: Int, _ layout: inout FileLayout) throws -> Int {
        let next = try TagScan.end(ofTagsIn: file, at: position)
        if next < file.size, FormatScan.kind(of: file, at: next) == nil,
            file.find(Array("OggS\0".utf8), in: next..<file.size) != nil
        {
            throw file.refusal(
                "the file is damaged: no page begins at byte \(next), and others follow. "
                    + "Get it whole; if what can be heard will do: \(file.conversion)")
        }
        return try FormatScan.next(in: file, after: position, &layout)
    }

    // MARK: What is in the pages

    private func checkCodec(at position: Int) throws {
        let head = file.bytes(at: position, count: 8) ?? file.bytes(at: position, count: 5) ?? []
        let codec = Self.codecs.first { head.starts(with: $0.magic) }?.name
        guard streams.count <= 1 else {
            throw file.refusal(ForeignFormat.words("Ogg with \(streams.count) streams at once (a video?)", file.name))
        }
        if streams.isEmpty {
            throw file.refusal("the beginning of its stream is missing; mend it: \(file.conversion)")
        }
        if let codec, !["Vorbis", "Opus", "FLAC"].contains(codec) {
            throw file.refusal(ForeignFormat.words("Ogg with \(codec)", file.name))
        }
    }

    private static let codecs: [(magic: [UInt8], name: String)] = [
        (Array("\u{1}vorbis".utf8), "Vorbis"), (Array("OpusHead".utf8), "Opus"), ([0x7f] + Array("FLAC".utf8), "FLAC"),
        (Array("Speex ".utf8), "Speex"), ([0x80] + Array("theora".utf8), "Theora video"),
        (Array("\u{1}video".utf8), "video"), (Array("fishead".utf8), "a skeleton"), (Array("BBCD".utf8), "Dirac video"),
        (Array("CELT".utf8), "CELT"), (Array("PCM ".utf8), "PCM"), ([0x80] + Array("kate".utf8), "subtitles"),
    ]

    /// The last page's time; libsndfile does not know it of FLAC whose header has no length.
    private func length(_ body: Int) -> (frames: Int, rate: Int)? {
        guard file.bytes(at: body, count: 5) == [0x7f] + Array("FLAC".utf8),
            let packed = file.number(at: body + 27, bytes: 3, bigEndian: true), packed >> 4 > 0, lastTime < 1 << 50
        else { return nil }
        return (Int(lastTime), Int(packed >> 4))
    }
}
