import CSndFile
import Glibc
import Synchronization

/// A part of a file as libsndfile reads it: as a file of its own.
final class PartStream {
    private let descriptor: Int32
    private let part: FilePart
    private let prefix: [UInt8]
    private var position = 0

    /// - Parameter withNote: whether the decoder gets the part's note before it.
    init(descriptor: Int32, part: FilePart, withNote: Bool = false) {
        self.descriptor = descriptor
        prefix = withNote ? part.note : []
        self.part = part
    }

    private var length: Int { prefix.count + part.range.count }

    /// Opens the decoder, which uses this object until it is closed.
    ///
    /// - Returns: nil and libsndfile's words where it cannot.
    func open(_ info: inout SF_INFO) -> (file: OpaquePointer?, failure: String) {
        var calls = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(PartStream.of($0).length) },
            seek: { sf_count_t(PartStream.of($2).seek(Int($0), from: $1)) },
            read: { sf_count_t(PartStream.of($2).read(Int($1), into: $0)) },
            write: { _, _, _ in 0 },
            tell: { sf_count_t(PartStream.of($0).position) })
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        let (file, failure) = openingLock.withLock { _ in
            let file = sf_open_virtual(&calls, Int32(SFM_READ), &info, pointer)
            return (OpaqueFile(file), file == nil ? String(cString: sf_strerror(nil)) : "")
        }
        return (file.pointer, failure)
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> PartStream {
        Unmanaged<PartStream>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func seek(_ offset: Int, from whence: Int32) -> Int {
        let base =
            switch whence {
            case SEEK_CUR: position
            case SEEK_END: length
            case _: 0
            }
        let (target, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, target >= 0 else { return -1 }
        position = target
        return position
    }

    private func read(_ count: Int, into pointer: UnsafeMutableRawPointer?) -> Int {
        guard let pointer, count > 0, position < length else { return 0 }
        let wanted = min(count, length - position)
        var done = 0
        if position < prefix.count {
            let piece = prefix[position..<min(prefix.count, position + wanted)]
            piece.withUnsafeBytes { pointer.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            done = piece.count
        }
        let start = part.range.lowerBound + position + done - prefix.count
        let first = done
        while done < wanted {
            let count = pread(descriptor, pointer + done, wanted - done, off_t(start + done - first))
            guard count > 0 else { break }
            done += count
        }
        patch(pointer + first, range: start..<start + done - first)
        position += done
        return done
    }

    private func patch(_ pointer: UnsafeMutableRawPointer, range: Range<Int>) {
        for (position, bytes) in part.patches {
            for (index, byte) in bytes.enumerated() where range.contains(position + index) {
                pointer.storeBytes(of: byte, toByteOffset: position + index - range.lowerBound, as: UInt8.self)
            }
        }
    }
}
