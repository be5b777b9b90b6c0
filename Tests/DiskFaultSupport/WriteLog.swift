import Foundation
import TestSupport

/// Calls of a program to the disk, in their order, as the shim wrote them down.
package struct WriteLog: Sendable {
    package enum Operation: UInt32, Sendable, CaseIterable {
        case open = 1
        case write, sync, truncate, rename, unlink, makeFolder, removeFolder, close, read, mark
    }

    package struct Entry: Sendable {
        package var operation: Operation
        package var call: Int
        /// Its number among changes and syncs; 0 when it is none.
        package var change: Int
        package var inode: UInt64
        /// Of a write; the size of a truncation; of `open` 1 when it made the file, 2 when it emptied it; the number of a
        /// mark.
        package var offset: Int
        /// Bytes, 0, or the system's number of an error below 0.
        package var result: Int
        package var path: String
        /// What was written; the new path of a rename.
        package var data: [UInt8]

        package var succeeded: Bool { result >= 0 }
        package var target: String { String(decoding: data, as: UTF8.self) }
    }

    package var entries: [Entry] = []
    private static let magic: UInt32 = 0x6b73_6964
    private static let headSize = 56

    package init(_ path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var place = 0
        // A process that was killed may have left half an entry.
        while place + Self.headSize <= bytes.count {
            let head = bytes[place..<place + Self.headSize]
            func number<Value: FixedWidthInteger>(_ offset: Int, _: Value.Type) -> Value {
                head.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
            }
            guard number(0, UInt32.self) == Self.magic, let operation = Operation(rawValue: number(4, UInt32.self))
            else { throw TestSupportError("\(path) is no log of the shim at byte \(place)") }
            let (pathLength, dataLength) = (Int(number(48, UInt32.self)), Int(number(52, UInt32.self)))
            let end = place + Self.headSize + pathLength + dataLength
            guard end <= bytes.count else { break }
            let pathStart = place + Self.headSize
            entries.append(
                Entry(
                    operation: operation, call: Int(number(8, UInt64.self)), change: Int(number(16, UInt64.self)),
                    inode: number(24, UInt64.self), offset: Int(number(32, Int64.self)),
                    result: Int(number(40, Int64.self)),
                    path: String(decoding: bytes[pathStart..<pathStart + pathLength], as: UTF8.self),
                    data: Array(bytes[pathStart + pathLength..<end])))
            place = end
        }
    }
}
