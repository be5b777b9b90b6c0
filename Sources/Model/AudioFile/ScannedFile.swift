import Glibc

/// A file's bytes, for looking at its structure before a decoder does. Every place and count is checked, so numbers
/// from the file may be used as they are.
final class ScannedFile {
    let descriptor: Int32
    /// In bytes.
    let size: Int
    /// What the file is called in messages.
    let name: String

    private var window: [UInt8] = []
    private var windowStart = 0
    private static let windowSize = 1 << 16

    /// Opens a file, and nothing else that a path can lead to.
    init(path: String, name: String) throws {
        self.name = name
        // Not to wait for the other end of a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            let advice = errno == EACCES ? "; let it be read: chmod a+r" : ""
            throw AudioFileError(name, reason + (RecordingName.advice(on: name).map { ". " + $0 } ?? advice))
        }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        size = Int(status.st_size)
        do {
            guard isKnown else { throw AudioFileError(name, String(cString: strerror(errno))) }
            if let other = Self.kind(status.st_mode) { throw AudioFileError(name, "not a file but \(other)") }
            guard size > 0 else {
                throw AudioFileError(name, "the file is empty; a download or recording that failed?")
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit {
        close(descriptor)
    }

    /// What is no file, and what to do.
    private static func kind(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a folder; name a recording in it"
        case S_IFIFO: "a pipe, which can be read only once; write it to a file first"
        case S_IFSOCK: "a socket; write the recording to a file first"
        case _: "a device; record to a file first"
        }
    }

    /// The bytes there; nil where the file has fewer.
    func bytes(at position: Int, count: Int) -> [UInt8]? {
        guard position >= 0, count >= 0, position <= size - count else { return nil }
        if let offset = offsetInWindow(position, count) { return Array(window[offset..<offset + count]) }
        if count <= 1 << 12 {
            window = load(at: position, count: min(Self.windowSize, size - position))
            windowStart = position
            guard let offset = offsetInWindow(position, count) else { return nil }
            return Array(window[offset..<offset + count])
        }
        let bytes = load(at: position, count: count)
        return bytes.count == count ? bytes : nil
    }

    /// Four bytes as one big-endian number, without an array.
    func word(at position: Int) -> UInt32? {
        guard position >= 0, position <= size - 4 else { return nil }
        if offsetInWindow(position, 4) == nil {
            window = load(at: position, count: min(Self.windowSize, size - position))
            windowStart = position
        }
        guard let offset = offsetInWindow(position, 4) else { return nil }
        return UInt32(window[offset]) << 24 | UInt32(window[offset + 1]) << 16 | UInt32(window[offset + 2]) << 8
            | UInt32(window[offset + 3])
    }

    private func offsetInWindow(_ position: Int, _ count: Int) -> Int? {
        let offset = position - windowStart
        return offset >= 0 && offset <= window.count - count ? offset : nil
    }

    private func load(at position: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let read = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(position + filled))
                guard read > 0 else { return }
                filled += read
            }
        }
    }

    /// Four bytes as text.
    func tag(at position: Int) -> String? { bytes(at: position, count: 4).map { String(decoding: $0, as: UTF8.self) } }

    func number(at position: Int, bytes count: Int, bigEndian: Bool) -> UInt64? {
        guard let bytes = bytes(at: position, count: count) else { return nil }
        return (bigEndian ? bytes : bytes.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Where a sequence of bytes begins next, in a range.
    func find(_ pattern: [UInt8], in range: Range<Int>) -> Int? {
        let step = 1 << 20
        var start = range.lowerBound
        while start <= range.upperBound - pattern.count {
            let block = load(at: start, count: min(step + pattern.count - 1, range.upperBound - start))
            guard block.count >= pattern.count else { return nil }
            let found = block.withUnsafeBytes { block in
                pattern.withUnsafeBytes { Self.find($0, in: block) }
            }
            if let found { return start + found }
            start += step
        }
        return nil
    }

    private static func find(_ pattern: UnsafeRawBufferPointer, in block: UnsafeRawBufferPointer) -> Int? {
        guard let start = block.baseAddress, let wanted = pattern.baseAddress else { return nil }
        var place = 0
        while place <= block.count - pattern.count,
            let hit = memchr(start + place, Int32(pattern[0]), block.count - pattern.count - place + 1)
        {
            if memcmp(hit, wanted, pattern.count) == 0 { return UnsafeRawPointer(hit) - start }
            place = UnsafeRawPointer(hit) - start + 1
        }
        return nil
    }

    /// Whether nothing but zeros is there.
    func isZero(_ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            let block = load(at: start, count: min(1 << 20, range.upperBound - start))
            guard !block.isEmpty, !block.withUnsafeBytes({ $0.contains { $0 != 0 } }) else { return block.isEmpty }
            start += block.count
        }
        return true
    }

    // MARK: Words

    func refusal(_ reason: String) -> AudioFileError { AudioFileError(name, reason) }

    /// For a file whose end is missing.
    func truncated(_ what: String) -> AudioFileError {
        refusal("the file is truncated: \(what). Get it whole; if what is there will do: \(conversion)")
    }

    func truncated(missing bytes: Int) -> AudioFileError {
        truncated("at least \(bytes) bytes are missing at its end")
    }

    /// The command that makes a WAV of the file.
    var conversion: String { ShellWords.conversion(of: name) }
}
