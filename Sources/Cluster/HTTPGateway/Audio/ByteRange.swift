/// A part of a body that a client asks for (`Range: bytes=…`).
enum ByteRange: Hashable {
    /// All of it: there is no such header, or one that need not be understood.
    case whole
    case part(Range<Int>)
    /// Nothing that is there.
    case unsatisfiable

    /// - Parameters:
    ///   - header: the value of Range.
    ///   - length: of the whole body.
    ///   - available: bytes of it that are there already.
    init(_ header: String?, length: Int, available: Int) {
        self = .whole
        guard let header, header.hasPrefix("bytes=") else { return }
        let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        // Several ranges may be answered with the whole.
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return }
        let (first, last) = (Int(ends[0]), Int(ends[1]))
        // What is too large for a number is beyond any end.
        if ends[0].isEmpty {
            guard !ends[1].isEmpty else { return }
            let count = last ?? .max
            self =
                count > 0 && length > 0
                ? .clipped(max(0, length - min(count, length)), length - 1, available) : .unsatisfiable
        } else if let first {
            let last = ends[1].isEmpty ? length - 1 : last ?? .max
            guard last >= first || ends[1].isEmpty else { return }
            self = .clipped(first, min(last, length - 1), available)
        } else {
            self = .unsatisfiable
        }
    }

    private static func clipped(_ first: Int, _ last: Int, _ available: Int) -> ByteRange {
        let end = min(last + 1, available)
        return first < end ? .part(first..<end) : .unsatisfiable
    }
}
