/// WAV (RIFF, RIFX, RF64, BW64) and AIFF: chunks of a name, a size and that many bytes, padded to an even number.
struct ChunkScan {
    let file: ScannedFile
    let start: Int
    let isAIFF: Bool

    private var isBigEndian: Bool
    private var form: String
    private var part: FilePart
    /// Bytes of one sample of all channels.
    private var blockSize = 1
    /// RF64's place of the 64-bit sizes.
    private var sizes: Int?

    /// Programs that write to a pipe cannot go back to fill in a size, and leave a huge one.
    private static let hugeSize = 0x7fff_0000

    init(file: ScannedFile, start: Int, isAIFF: Bool) {
        (self.file, self.start, self.isAIFF) = (file, start, isAIFF)
        form = file.tag(at: start) ?? ""
        isBigEndian = isAIFF || form == "RIFX"
        part = FilePart(range: start..<file.size)
    }

    /// Adds the recording, and says where the next begins.
    mutating func scan(into layout: inout FileLayout) throws -> Int {
        var position = start + 12
        for _ in 0..<10_000 {
            guard let name = file.tag(at: position), let length = number(position + 4) else { break }
            switch name {
            case isAIFF ? "SSND" : "data": return try audio(at: position, declared: length, &layout)
            case "ds64": if form == "RF64" || form == "BW64" { sizes = position + 8 }
            case "fmt ": blockSize = max(1, Int(file.number(at: position + 20, bytes: 2, bigEndian: isBigEndian) ?? 1))
            case "COMM": readCommon(at: position + 8)
            case _: break
            }
            position += 8 + length + length % 2
        }
        throw file.truncated("it ends before the audio begins")
    }

    private func number(_ position: Int) -> Int? {
        file.number(at: position, bytes: 4, bigEndian: isBigEndian).map { Int($0) }
    }

    private mutating func readCommon(at position: Int) {
        guard let channels = file.number(at: position, bytes: 2, bigEndian: true),
            let bits = file.number(at: position + 6, bytes: 2, bigEndian: true)
        else { return }
        blockSize = max(1, Int(channels) * ((Int(bits) + 7) / 8))
    }

    // MARK: Audio

    private mutating func audio(at position: Int, declared: Int, _ layout: inout FileLayout) throws -> Int {
        let dataStart = position + 8
        guard dataStart <= file.size else { throw file.truncated("it ends before the audio begins") }
        if form == "BW64" { part.patches.append((start, Array("RF64".utf8))) }
        let available = file.size - dataStart
        var length = declared
        if let sizes, let wide = file.number(at: sizes + 8, bytes: 8, bigEndian: false) {
            length = wide < 1 << 62 ? Int(wide) : Self.hugeSize
        }
        let head = isAIFF ? 8 : 0
        let isHuge = length >= Self.hugeSize && length > available
        guard length > head || available <= head || isFollowedByChunks(dataStart), !isHuge || unlikely(length) else {
            return unfinished(position, length, &layout)
        }
        guard length <= available else { throw file.truncated(missing: length - available) }
        return try finished(dataStart, length, &layout)
    }

    /// RF64 gives sizes of files that are really large.
    private func unlikely(_ length: Int) -> Bool { sizes != nil && length != Self.hugeSize && length < 1 << 40 }

    /// Whether whole chunks lie from there to the file's end: then an empty one before them is meant to be empty.
    private func isFollowedByChunks(_ position: Int) -> Bool {
        var position = position
        for _ in 0..<1_000 where position < file.size {
            guard let name = file.bytes(at: position, count: 4), let length = number(position + 4),
                name.allSatisfy({ (0x20..<0x7f).contains($0) })
            else { return false }
            position += 8 + length + length % 2
        }
        return position == file.size || position == file.size + 1
    }

    /// The recording goes on to the file's end.
    private mutating func unfinished(_ position: Int, _ length: Int, _ layout: inout FileLayout) -> Int {
        let dataStart = position + 8
        var end = file.size
        // Another recording's beginning is no audio.
        if let next = file.find(Array((isAIFF ? "COMM" : "WAVEfmt ").utf8), in: dataStart..<file.size),
            case let form = next - (isAIFF ? 12 : 8), form >= dataStart,
            FormatScan.clearKind(of: file, at: form) == (isAIFF ? .aiff : .riff)
        {
            end = form
        }
        let head = isAIFF ? 8 : 0
        let audio = (end - dataStart - head) / blockSize * blockSize
        part.range = start..<end
        let narrow = UInt64(min(audio + head, 0xffff_ffff))
        if let sizes {
            part.patch(sizes, UInt64(end - start - 8), bytes: 8, bigEndian: false)
            part.patch(sizes + 8, UInt64(audio), bytes: 8, bigEndian: false)
        } else {
            if form == "RF64" || form == "BW64" { part.patches.append((start, Array("RIFF".utf8))) }
            part.patch(start + 4, UInt64(min(end - start - 8, 0xffff_ffff)), bytes: 4, bigEndian: isBigEndian)
            part.patch(position + 4, narrow, bytes: 4, bigEndian: isBigEndian)
        }
        layout.parts.append(part)
        let said = length == 0 || length <= head ? "no length of the audio" : "an impossible length of the audio"
        layout.warn(FormatScan.unfinished(said))
        return end
    }

    private mutating func finished(_ dataStart: Int, _ length: Int, _ layout: inout FileLayout) throws -> Int {
        let formSize = number(start + 4) ?? 0
        if formSize == 0 || formSize >= Self.hugeSize, sizes == nil, length > 0 {
            part.patch(start + 4, UInt64(min(file.size - start - 8, 0xffff_ffff)), bytes: 4, bigEndian: isBigEndian)
            if dataStart + length < Self.hugeSize {
                layout.warn(FormatScan.unfinished("no length of the whole"))
            }
        }
        var position = dataStart + length
        // The chunks that follow; without the padding, where a program forgot it.
        for _ in 0..<10_000 where position + 8 <= file.size {
            if !isChunk(position), isChunk(position + 1) { position += 1 }
            guard isChunk(position), let name = file.tag(at: position), let size = number(position + 4) else { break }
            if name == "data" || name == "SSND" {
                layout.warn("it has a second part of audio, which is not read: \(ShellWords.conversion(of: file.name))")
            }
            position = min(file.size, position + 8 + size)
        }
        let next = try FormatScan.next(in: file, after: position, &layout, start: start, ignoresLength: !isAIFF)
        part.range = start..<next
        layout.parts.append(part)
        return next
    }

    private func isChunk(_ position: Int) -> Bool {
        guard let name = file.bytes(at: position, count: 4), let size = number(position + 4) else { return false }
        return name.allSatisfy { (0x20..<0x7f).contains($0) } && position + 8 + size <= file.size
            && FormatScan.clearKind(of: file, at: position) == nil
    }
}
