/// FLAC: a chain of headers, then frames. Where the header has no length (an encoder that wrote to a pipe), the last
/// frame tells it.
struct FLACScan {
    let file: ScannedFile
    let start: Int

    init(file: ScannedFile, start: Int) {
        (self.file, self.start) = (file, start)
    }

    /// Adds the recording, and says where the next begins.
    func scan(into layout: inout FileLayout) throws -> Int {
        let audio = try audioStart()
        var next = audio
        var tries = 0
        repeat {
            next = file.find(Array("fLaC".utf8), in: min(next + 1, file.size)..<file.size) ?? file.size
            tries += 1
        } while next < file.size && !isHeader(next) && tries < 1_000
        guard tries < 1_000 else { throw file.refusal("it has over \(tries) beginnings; try \(file.conversion)") }
        var part = FilePart(range: start..<next)
        // Ten bytes of block and frame sizes; then rate, channels, bits, and 36 bits of length.
        guard let numbers = file.number(at: start + 18, bytes: 8, bigEndian: true) else {
            throw file.truncated("it ends within its header")
        }
        if numbers & (1 << 36 - 1) == 0 {
            guard let last = FLACEnd(file: file, range: audio..<next, rate: Int(numbers >> 44)).lastFrame() else {
                throw file.truncated("its header has no length, and no whole frame is found at its end")
            }
            part.range = start..<last.end
            part.length = (last.frames, Int(numbers >> 44))
            if last.isCut {
                layout.warn("its header has no length, and its last frame is cut off; it is read as far as it goes")
            }
        } else {
            cutTail(of: &part, from: audio)
        }
        layout.parts.append(part)
        return next
    }

    /// What some programs add: zeros, and an ID3 tag of another kind of file.
    private func cutTail(of part: inout FilePart, from audio: Int) {
        var end = part.range.upperBound
        if end - audio > 128, file.tag(at: end - 128)?.hasPrefix("TAG") == true { end -= 128 }
        let count = min(end - audio, 1 << 20)
        let zeros = (file.bytes(at: end - count, count: count) ?? []).reversed().prefix { $0 == 0 }.count
        part.range = start..<end
        // A checksum may be two of them.
        part.hasEmptyTail = zeros > 2
    }

    /// Whether a header of 34 bytes of sizes begins there, as in every FLAC file.
    private func isHeader(_ position: Int) -> Bool {
        guard let head = file.bytes(at: position, count: 12) else { return false }
        return head[4] & 0x7f == 0 && Array(head[5..<8]) == [0, 0, 34]
            && Int(head[8]) << 8 | Int(head[9]) >= 16
    }

    private func audioStart() throws -> Int {
        var position = start + 4
        for _ in 0..<100_000 {
            guard let head = file.word(at: position) else { throw file.truncated("it ends within its header") }
            position += 4 + Int(head & 0xff_ffff)
            guard position <= file.size else { throw file.truncated(missing: position - file.size) }
            if head >> 31 == 1 { return position }
        }
        throw file.refusal("its header has no end; try \(file.conversion)")
    }
}

/// Finds the last whole frame of a FLAC file, by its checksums.
struct FLACEnd {
    let file: ScannedFile
    /// Where frames are.
    let range: Range<Int>
    let rate: Int

    struct Frame {
        /// Samples of each channel up to its end.
        var frames: Int
        var end: Int
        /// Whether a part of another frame follows.
        var isCut: Bool
    }

    /// Nil if there is none in the last megabyte.
    func lastFrame() -> Frame? {
        var end = range.upperBound
        // An ID3 tag of another kind of file.
        if end - range.lowerBound > 128, file.tag(at: end - 128)?.hasPrefix("TAG") == true { end -= 128 }
        let from = max(range.lowerBound, end - 1 << 20)
        guard let bytes = file.bytes(at: from, count: end - from) else { return nil }
        var cut = bytes.count
        var tries = 0
        for place in stride(from: bytes.count - 6, through: 0, by: -1)
        where bytes[place] == 0xff && bytes[place + 1] & 0xfe == 0xf8 {
            guard let head = header(bytes, place) else { continue }
            if isWhole(bytes, place..<cut) {
                return Frame(frames: head.start + head.count, end: from + cut, isCut: cut < bytes.count)
            }
            tries += 1
            guard tries < 64 else { return nil }
            // What begins here is no whole frame; perhaps the one before it is.
            cut = place
        }
        return nil
    }

    /// Where a frame begins in the recording and how many samples it has.
    private func header(_ bytes: [UInt8], _ place: Int) -> (start: Int, count: Int)? {
        guard place + 16 < bytes.count else { return nil }
        let (size, rateCode) = (bytes[place + 2] >> 4, bytes[place + 2] & 15)
        guard size != 0, rateCode != 15, bytes[place + 3] & 1 == 0 else { return nil }
        var position = place + 4
        // A number in the form of UTF-8.
        let lead = bytes[position]
        let extra = lead < 0x80 ? 0 : (~lead).leadingZeroBitCount - 1
        guard lead < 0x80 || (1...6).contains(extra) else { return nil }
        var number = extra == 0 ? Int(lead) : Int(lead) & (0x3f >> extra)
        for index in 0..<extra {
            guard bytes[position + 1 + index] & 0xc0 == 0x80 else { return nil }
            number = number << 6 | Int(bytes[position + 1 + index] & 0x3f)
        }
        position += 1 + extra
        let count: Int
        switch size {
        case 1: count = 192
        case 2...5: count = 144 << Int(size)
        case 6:
            count = Int(bytes[position]) + 1
            position += 1
        case 7:
            count = Int(bytes[position]) << 8 + Int(bytes[position + 1]) + 1
            position += 2
        case _: count = 1 << Int(size)
        }
        position += rateCode == 12 ? 1 : rateCode > 12 ? 2 : 0
        guard position < bytes.count, Checksum.crc8(bytes[place..<position]) == bytes[position] else { return nil }
        let isVariable = bytes[place + 1] & 1 == 1
        return (isVariable ? number : number * usualCount(count), count)
    }

    /// The last frame may be shorter than the others, whose size numbers are counted in.
    private func usualCount(_ count: Int) -> Int {
        // STREAMINFO's smallest and largest block are equal where all but the last are.
        guard let start = blockSize else { return count }
        return start
    }

    private var blockSize: Int? {
        var position = range.lowerBound
        // The first frame follows the headers; its size is everyone's.
        guard let bytes = file.bytes(at: position, count: min(32, range.count)), bytes.count > 8 else { return nil }
        position = 0
        let size = bytes[2] >> 4
        switch size {
        case 1: return 192
        case 2...5: return 144 << Int(size)
        case 6: return Int(bytes[5]) + 1
        case 7: return Int(bytes[5]) << 8 + Int(bytes[6]) + 1
        case 8...15: return 1 << Int(size)
        case _: return nil
        }
    }

    private func isWhole(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count > 10 else { return false }
        let sum = Checksum.crc16(bytes[range.lowerBound..<range.upperBound - 2])
        return sum == UInt16(bytes[range.upperBound - 2]) << 8 | UInt16(bytes[range.upperBound - 1])
    }
}

/// The checksums of FLAC's frames.
private enum Checksum {
    static func crc8(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        bytes.reduce(0) { sum, byte in
            (0..<8).reduce(sum ^ byte) { sum, _ in sum & 0x80 == 0 ? sum << 1 : sum << 1 ^ 0x07 }
        }
    }

    static func crc16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.reduce(0) { sum, byte in table[Int(sum >> 8) ^ Int(byte)] ^ sum << 8 }
    }

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { sum, _ in sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x8005 }
    }
}
