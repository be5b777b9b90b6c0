/// Wave64: chunks of a 16-byte name and a 64-bit size that counts both, padded to 8 bytes.
struct Wave64Scan {
    let file: ScannedFile
    let start: Int

    private static let riff: [UInt8] =
        Array("riff".utf8) + [0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 4, 0xc1, 0, 0]

    static func begins(in file: ScannedFile, at position: Int) -> Bool {
        file.bytes(at: position, count: 16) == riff
    }

    /// Adds the recording, and says where the next begins.
    func scan(into layout: inout FileLayout) throws -> Int {
        var position = start + 40
        for _ in 0..<10_000 {
            guard let name = file.tag(at: position),
                let wide = file.number(at: position + 16, bytes: 8, bigEndian: false)
            else { break }
            let size = Int(min(wide, 1 << 62))
            let available = file.size - position
            if name == "data" {
                var part = FilePart(range: start..<file.size)
                if size <= 24 || size >= 1 << 50 {
                    guard available > 24 else { throw file.refusal("it holds no audio") }
                    part.patch(position + 16, UInt64(available), bytes: 8, bigEndian: false)
                    layout.parts.append(part)
                    layout.warn(FormatScan.unfinished("no length of the audio"))
                    return file.size
                }
                guard size <= available else { throw file.truncated(missing: size - available) }
                return try finish(&part, after: position + size, &layout)
            }
            guard size >= 24, size <= available else { break }
            position += (size + 7) / 8 * 8
        }
        throw file.truncated("it ends before the audio begins")
    }

    private func finish(_ part: inout FilePart, after end: Int, _ layout: inout FileLayout) throws -> Int {
        var position = start + (end - start + 7) / 8 * 8
        for _ in 0..<1_000 {
            // The names end as Microsoft's do, or as Sony's.
            guard let name = file.bytes(at: position, count: 16), [0x8a, 0, 0xbd].contains(name[15]),
                !Self.begins(in: file, at: position),
                let size = file.number(at: position + 16, bytes: 8, bigEndian: false), size >= 24,
                size <= UInt64(file.size - position)
            else { break }
            position += (Int(size) + 7) / 8 * 8
        }
        let next = try FormatScan.next(in: file, after: min(position, file.size), &layout, start: start)
        // libsndfile takes all that follows for audio.
        part.range = start..<end
        layout.parts.append(part)
        return next
    }
}

/// AU (Sun and NeXT): where the audio begins, and its length, which may be left open.
enum AUScan {
    /// Adds the recording, and says where the next begins.
    static func scan(_ file: ScannedFile, at start: Int, into layout: inout FileLayout) throws -> Int {
        let isBigEndian = file.tag(at: start) == ".snd"
        guard let offset = file.number(at: start + 4, bytes: 4, bigEndian: isBigEndian),
            let wide = file.number(at: start + 8, bytes: 4, bigEndian: isBigEndian), start + Int(offset) <= file.size
        else { throw file.truncated("it ends before the audio begins") }
        let available = file.size - start - Int(offset)
        let length = Int(wide)
        var part = FilePart(range: start..<file.size)
        if length == 0 && available > 0 || length >= 0x7fff_0000 && length > available {
            part.patch(start + 8, 0xffff_ffff, bytes: 4, bigEndian: isBigEndian)
            layout.parts.append(part)
            layout.warn(FormatScan.unfinished("no length of the audio"))
            return file.size
        }
        guard length <= available else { throw file.truncated(missing: length - available) }
        let next = try FormatScan.next(in: file, after: start + Int(offset) + length, &layout, start: start)
        part.range = start..<next
        layout.parts.append(part)
        return next
    }
}

/// CAF (Apple): chunks of a name and a 64-bit size; that of the audio may be -1, up to the end.
enum CAFScan {
    /// Adds the recording, and says where the next begins.
    static func scan(_ file: ScannedFile, at start: Int, into layout: inout FileLayout) throws -> Int {
        if let codec = file.tag(at: start + 28), let name = foreignCodecs[codec] {
            throw file.refusal(ForeignFormat.words("CAF with \(name)", file.name))
        }
        var part = FilePart(range: start..<file.size)
        var position = start + 8
        var hasAudio = false
        for _ in 0..<10_000 {
            guard let name = file.tag(at: position),
                let wide = file.number(at: position + 4, bytes: 8, bigEndian: true)
            else { break }
            let available = file.size - position - 12
            if name == "data", wide == .max || wide == 0 && available > 4 {
                part.patch(position + 4, UInt64(max(0, available)), bytes: 8, bigEndian: true)
                layout.warn(FormatScan.unfinished("no length of the audio"))
                layout.parts.append(part)
                return file.size
            }
            guard wide <= UInt64(max(0, available)) else {
                guard hasAudio else { throw file.truncated(missing: Int(min(wide, 1 << 62)) - available) }
                break
            }
            hasAudio = hasAudio || name == "data"
            position += 12 + Int(wide)
        }
        guard hasAudio else { throw file.truncated("it ends before the audio begins") }
        let next = try FormatScan.next(in: file, after: position, &layout, start: start)
        part.range = start..<next
        layout.parts.append(part)
        return next
    }

    private static let foreignCodecs = [
        "aac ": "AAC", "aach": "AAC", "aacp": "AAC", "ima4": "IMA4", ".mp3": "MP3", "opus": "Opus", "ilbc": "iLBC",
        "samr": "AMR", "flac": "FLAC", "ac-3": "AC-3",
    ]
}
