import Glibc

/// Finds files whose own structure says that they were longer once. libsndfile reads those it finds no fault
/// with, and gives the rest of the audio without a word.
struct TruncationCheck {
    let descriptor: Int32
    /// The file's size in bytes.
    let size: Int

    /// How many bytes are missing at the least; nil if there is no proof of any, as in most formats.
    func missingBytes() -> Int? {
        guard let header = bytes(at: 0, count: 12) else { return nil }
        switch (tag(header[0..<4]), tag(header[8..<12])) {
        case ("RIFF", "WAVE"): return missingInChunks(audio: "data") { littleEndian($0) }
        case ("RIFX", "WAVE"): return missingInChunks(audio: "data") { bigEndian($0) }
        case ("FORM", "AIFF"), ("FORM", "AIFC"): return missingInChunks(audio: "SSND") { bigEndian($0) }
        case ("OggS", _): return missingInLastPage()
        case _: return nil
        }
    }

    /// Chunks are a name, a size and that many bytes, padded to an even number.
    private func missingInChunks(audio: String, number: (ArraySlice<UInt8>) -> Int) -> Int? {
        var position = 12
        for _ in 0..<1_000 {
            guard let header = bytes(at: position, count: 8) else { return nil }
            let length = number(header[4..<8])
            let end = position + 8 + length
            if tag(header[0..<4]) == audio {
                // Programs that write to a pipe cannot go back to fill in the size, and leave a huge one.
                return length < 0x7fff_0000 && end > size ? end - size : nil
            }
            position = end + length % 2
        }
        return nil
    }

    /// A page is a header of 27 bytes, a table of lengths, and as many bytes as their sum.
    private func missingInLastPage() -> Int? {
        let largestPage = 27 + 255 + 255 * 255
        let start = max(0, size - largestPage)
        guard let tail = bytes(at: start, count: size - start) else { return nil }
        var lastPage: Int?
        for position in stride(from: tail.count - 27, through: 0, by: -1)
        where tag(tail[position..<position + 4]) == "OggS" && tail[position + 4] == 0 {
            lastPage = position
            break
        }
        guard let page = lastPage else { return nil }
        let segments = Int(tail[page + 26])
        let bodyStart = page + 27 + segments
        guard bodyStart <= tail.count else { return bodyStart - tail.count }
        let end = bodyStart + tail[page + 27..<bodyStart].reduce(0) { $0 + Int($1) }
        return end > tail.count ? end - tail.count : nil
    }

    private func bytes(at position: Int, count: Int) -> [UInt8]? {
        guard position >= 0, count >= 0, position <= size - count else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, position) }
        return read == count ? bytes : nil
    }

    private func tag(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    private func littleEndian(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    private func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
