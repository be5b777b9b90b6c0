/// MP3 (and layers I and II): frames one after another. Its first may hold a note (Xing, Info, VBRI) on how many there
/// are; the decoder stops there, and guesses where there is none.
struct MPEGScan {
    let file: ScannedFile
    let start: Int

    private let first: MPEGFrame
    private var note: (frames: Int?, bytes: Int?)?
    /// Whole frames, and where they end.
    private var frames = 0
    private var end: Int
    /// Where the frames that the note counts end.
    private var countedEnd: Int?
    private var hasCutFrame = false
    private var next: Int?

    private static let mostFrames = 20_000_000
    private static let mostSkipped = 1 << 23

    init(file: ScannedFile, start: Int) throws {
        guard let first = file.word(at: start).flatMap(MPEGFrame.init) else {
            throw file.refusal("no MPEG audio begins at byte \(start)")
        }
        (self.file, self.start, self.first, end) = (file, start, first, start)
        note = Self.note(in: file, at: start, of: first)
    }

    /// Whether two frames lie there, or one that ends the file.
    static func begins(in file: ScannedFile, at position: Int, frames: Int = 2) -> Bool {
        guard let first = file.word(at: position).flatMap(MPEGFrame.init) else { return false }
        var place = position + first.length
        for _ in 1..<frames {
            if place == file.size { return true }
            guard let other = file.word(at: place).flatMap(MPEGFrame.init), other.fits(first) else { return false }
            place += other.length
        }
        return true
    }

    /// Where frames begin behind something else at the file's start.
    static func firstFrames(in file: ScannedFile, from start: Int) -> Int? {
        guard let head = file.bytes(at: start, count: 4), !head.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
            return nil
        }
        return (start..<min(file.size, start + 1 << 16)).first { begins(in: file, at: $0, frames: 4) }
    }

    // MARK: A stream

    /// Adds the recording, and says where the next begins.
    mutating func scan(into layout: inout FileLayout) throws -> Int {
        try walk(&layout)
        let counted = frames - (note == nil ? 0 : 1)
        if let note {
            try checkNote(note, counted)
            if let said = note.frames, said > 0, counted > said + 4, let countedEnd {
                // What the note does not count would not be decoded: it is a recording of its own.
                return add(said, to: countedEnd, next: countedEnd, &layout)
            }
        } else if hasCutFrame {
            layout.warn("its last frame is cut off; perhaps its end is missing")
        }
        let following = try next ?? FormatScan.next(in: file, after: hasCutFrame ? file.size : end, &layout)
        return add(counted, to: end, next: following, &layout)
    }

    private func add(_ counted: Int, to end: Int, next: Int, _ layout: inout FileLayout) -> Int {
        var part = FilePart(range: start..<end)
        part.length = (counted * first.samples, first.rate)
        if first.layer == 3, (note?.frames ?? 0) == 0 || isVBRI {
            let sound = note == nil ? start : start + first.length
            part.range = sound..<max(sound, end)
            part.note = first.note(frames: counted, bytes: part.range.count)
        }
        if counted > 0 { layout.parts.append(part) }
        return next
    }

    private mutating func walk(_ layout: inout FileLayout) throws {
        while frames < Self.mostFrames {
            guard let word = file.word(at: end) else { return }
            if let frame = MPEGFrame(word), frame.fits(first) {
                if frames > 0, Self.note(in: file, at: end, of: frame) != nil {
                    next = end
                    return
                }
                guard end + frame.length <= file.size else {
                    hasCutFrame = true
                    return
                }
                end += frame.length
                frames += 1
                if let said = note?.frames, frames == said + 1 { countedEnd = end }
            } else {
                let following = try TagScan.end(ofTagsIn: file, at: end)
                if following == end, FormatScan.kind(of: file, at: end) == nil { try skip(&layout) }
                return
            }
        }
        throw file.refusal("it has over \(Self.mostFrames) frames; cut it")
    }

    /// Looks for the stream's next frames behind what is no frame; they are a recording of their own, because the
    /// decoder looks a short distance only.
    private mutating func skip(_ layout: inout FileLayout) throws {
        let limit = min(file.size, end + 1 << 18)
        let places = end + 1..<max(end + 1, limit)
        guard let found = places.first(where: { Self.begins(in: file, at: $0, frames: 4) }) else { return }
        layout.warn("\(found - end) bytes from byte \(end) on are no audio, and are skipped; it may be damaged there")
        next = found
        layout.skippedBytes += found - end
        guard layout.skippedBytes < Self.mostSkipped else {
            throw file.refusal("it is damaged in many places; if what can be heard will do: \(file.conversion)")
        }
    }

    // MARK: The note

    private var isVBRI: Bool { file.tag(at: start + 36) == "VBRI" }

    private static func note(
        in file: ScannedFile, at position: Int, of frame: MPEGFrame
    ) -> (frames: Int?, bytes: Int?)? {
        guard frame.layer == 3 else { return nil }
        // With a checksum it is two bytes on.
        for place in [position + frame.noteOffset, position + frame.noteOffset + 2] {
            guard let tag = file.word(at: place), tag == 0x5869_6e67 || tag == 0x496e_666f,  // Xing, Info
                let flags = file.word(at: place + 4), flags < 16
            else { continue }
            let frames = flags & 1 == 0 ? nil : file.word(at: place + 8)
            let bytes = flags & 2 == 0 ? nil : file.word(at: place + (flags & 1 == 0 ? 8 : 12))
            return (frames.map { Int($0) }, bytes.map { Int($0) })
        }
        guard file.word(at: position + 36) == 0x5642_5249 else { return nil }  // VBRI
        return (file.word(at: position + 50).map { Int($0) }, file.word(at: position + 46).map { Int($0) })
    }

    /// - Throws: ``AudioFileError`` where the note says that the stream was longer.
    private func checkNote(_ note: (frames: Int?, bytes: Int?), _ counted: Int) throws {
        let said = note.frames ?? 0
        let missing = (note.bytes ?? 0) - (end - start)
        guard said > counted + 1 || missing > 0 && (hasCutFrame || missing > 2_048) else { return }
        func seconds(_ frames: Int) -> String {
            let tenths = Int((Double(frames) * Double(first.samples) / Double(first.rate) * 10).rounded())
            return "\(tenths / 10).\(tenths % 10) s"
        }
        guard said > counted + 1 else { throw file.truncated(missing: missing) }
        throw file.truncated("its header says \(seconds(said)), and \(seconds(max(0, counted))) are there")
    }
}
