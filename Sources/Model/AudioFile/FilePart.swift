/// A stretch of a file that is a recording of its own, and what to tell the decoder in place of what its header says.
struct FilePart {
    /// Bytes of the file.
    var range: Range<Int>
    /// A frame that tells an MPEG decoder how many follow, for files that have none.
    var note: [UInt8] = []
    /// Bytes that the decoder gets in place of the file's; places count from the file's beginning.
    var patches: [(position: Int, bytes: [UInt8])] = []
    /// How long it is, where that is known better than by the decoder: samples of each channel, and their rate.
    var length: (frames: Int, rate: Int)?

    /// Whether nothing but zeros follows the audio, of which no decoder should complain.
    var hasEmptyTail = false

    mutating func patch(_ position: Int, _ number: UInt64, bytes: Int, bigEndian: Bool) {
        let little = (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        patches.append((position, bigEndian ? little.reversed() : little))
    }
}

/// What a file consists of: recordings one after another, and what a user should hear of.
struct FileLayout {
    var parts: [FilePart] = []
    var warnings: [String] = []
    /// Bytes between parts that are no audio.
    var skippedBytes = 0

    /// Adds a warning once.
    mutating func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }
}
