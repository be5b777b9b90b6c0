/// Tags that lie before, between and after audio: ID3, APE, Lyrics3.
enum TagScan {
    /// Where the tags that begin there end; the same place when there are none.
    ///
    /// - Throws: ``AudioFileError`` if a tag is longer than the file.
    static func end(ofTagsIn file: ScannedFile, at start: Int) throws -> Int {
        var position = start
        for _ in 0..<100 {
            guard let length = try length(file, at: position) else { return position }
            position += length
        }
        return position
    }

    private static func length(_ file: ScannedFile, at position: Int) throws -> Int? {
        guard let tag = file.bytes(at: position, count: 3) else { return nil }
        switch String(decoding: tag, as: UTF8.self) {
        case "ID3": return try lengthOfID3(file, at: position)
        case "TAG": return min(128, file.size - position)
        case "APE": return lengthOfAPE(file, at: position)
        case "LYR":
            guard isText("LYRICSBEGIN", file, position),
                let end = file.find(Array("LYRICS200".utf8), in: position..<min(file.size, position + 1 << 20))
            else { return nil }
            return end + 9 - position
        case _: return nil
        }
    }

    private static func isText(_ text: String, _ file: ScannedFile, _ position: Int) -> Bool {
        file.bytes(at: position, count: text.utf8.count) == Array(text.utf8)
    }

    private static func lengthOfID3(_ file: ScannedFile, at position: Int) throws -> Int? {
        guard let header = file.bytes(at: position, count: 10) else {
            throw file.truncated("it ends within an ID3 tag")
        }
        let size = header[6..<10]
        guard header[3] < 0xff, header[4] < 0xff, size.allSatisfy({ $0 < 0x80 }) else { return nil }
        let length = 10 + size.reduce(0) { $0 << 7 | Int($1) } + (header[5] & 0x10 == 0 ? 0 : 10)
        guard position + length <= file.size else {
            throw file.truncated(
                "its ID3 tag alone has \(length) bytes, and \(file.size - position) are there")
        }
        return length
    }

    private static func lengthOfAPE(_ file: ScannedFile, at position: Int) -> Int? {
        guard isText("APETAGEX", file, position),
            let size = file.number(at: position + 12, bytes: 4, bigEndian: false),
            let flags = file.number(at: position + 20, bytes: 4, bigEndian: false)
        else { return nil }
        // A header is followed by the tag, a footer by nothing.
        let isHeader = flags & 1 << 29 != 0
        return min(isHeader ? 32 + Int(size) : 32, file.size - position)
    }
}
