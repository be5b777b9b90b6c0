import Foundation
import GRDB
import SystemErrors

/// The rows on the pages of a SQLite file, found without its tables' roots, its schema or the pages above the leaves: each of
/// these may be damaged.
///
/// The format is SQLite's (https://www.sqlite.org/fileformat2.html), as far as a journal uses it: pages of 4,096 bytes, UTF-8,
/// tables with row numbers. The write-ahead log counts as far as its checksums go.
struct PageReader {
    /// A row: its number, and the values of its columns in the order in which they are stored.
    struct Row {
        var number: Int64
        var values: [DatabaseValue]
    }

    static let pageSize = 4096
    private static let (tableLeaf, firstPageHeader) = (UInt8(0x0d), 100)
    /// Bytes of a row that a leaf holds at most, and at least, before the rest goes to other pages.
    private static let (mostLocal, leastLocal) = (pageSize - 35, (pageSize - 12) * 32 / 255 - 23)
    private static let mostOverflow = 1 << 26
    private var pages: [[UInt8]]

    /// - Throws: `SystemError` when the file cannot be read.
    init(_ path: String, on disk: any JournalDisk) throws {
        let file = try disk.read(path)
        pages = stride(from: 0, to: file.count, by: Self.pageSize).map { place in
            let page = file[place..<min(place + Self.pageSize, file.count)]
            return Array(page) + repeatElement(0, count: Self.pageSize - page.count)
        }
        if disk.exists(path + "-wal") { applyLog(WriteAheadLog(try disk.read(path + "-wal"))) }
    }

    var count: Int { pages.count }

    // MARK: the write-ahead log

    /// Takes over the pages of all transactions that are whole.
    private mutating func applyLog(_ log: WriteAheadLog?) {
        var transaction: [Int: [UInt8]] = [:]
        for frame in log?.whole ?? [] {
            transaction[frame.page] = Array(frame.bytes)
            guard let size = frame.size else { continue }
            if pages.count > size { pages.removeLast(pages.count - size) }
            while pages.count < size { pages.append([UInt8](repeating: 0, count: Self.pageSize)) }
            for (number, page) in transaction where number <= size { pages[number - 1] = page }
            transaction = [:]
        }
    }

    // MARK: pages

    /// Calls `body` with the rows of each leaf of a table that is in use.
    ///
    /// - Returns: how many leaves had cells that could not be read.
    func forEachRow(_ body: (Row) throws -> Void) rethrows -> Int {
        var damaged = 0
        let free = freePages()
        for (place, page) in pages.enumerated() where !free.contains(place + 1) {
            let start = place == 0 ? Self.firstPageHeader : 0
            guard page[start] == Self.tableLeaf else { continue }
            let count = Self.number(page, start + 3, 2)
            guard count > 0, start + 8 + 2 * count <= Self.pageSize else { continue }
            var isDamaged = false
            for cell in 0..<count {
                if let row = row(page, at: Self.number(page, start + 8 + 2 * cell, 2)) {
                    try body(row)
                } else {
                    isDamaged = true
                }
            }
            if isDamaged { damaged += 1 }
        }
        return damaged
    }

    /// Pages that hold nothing any more, by number; what is damaged of their list is left away.
    private func freePages() -> Set<Int> {
        guard let first = pages.first else { return [] }
        var (free, trunk) = (Set<Int>(), Self.number(first, 32, 4))
        while trunk > 0, trunk <= pages.count, free.insert(trunk).inserted {
            let page = pages[trunk - 1]
            let count = Self.number(page, 4, 4)
            guard count <= Self.pageSize / 4 - 2 else { break }
            for leaf in 0..<count { free.insert(Self.number(page, 8 + 4 * leaf, 4)) }
            trunk = Self.number(page, 0, 4)
        }
        // A list that is damaged might name pages that are in use.
        return free.count == Self.number(first, 36, 4) ? free : []
    }

    private func row(_ page: [UInt8], at place: Int) -> Row? {
        var place = place
        guard let size = Self.varint(page, &place), let number = Self.varint(page, &place),
            size > 0, size <= Int64(Self.mostOverflow), let payload = payload(page, place, Int(size)),
            let values = Self.values(payload)
        else { return nil }
        return Row(number: number, values: values)
    }

    private func payload(_ page: [UInt8], _ place: Int, _ size: Int) -> [UInt8]? {
        var local = size
        if size > Self.mostLocal {
            let rest = Self.leastLocal + (size - Self.leastLocal) % (Self.pageSize - 4)
            local = rest <= Self.mostLocal ? rest : Self.leastLocal
        }
        guard place + local + (local < size ? 4 : 0) <= page.count else { return nil }
        var bytes = Array(page[place..<place + local])
        var next = local < size ? Self.number(page, place + local, 4) : 0
        while bytes.count < size {
            guard next > 0, next <= pages.count else { return nil }
            let more = pages[next - 1]
            bytes += more[4..<4 + min(Self.pageSize - 4, size - bytes.count)]
            next = Self.number(more, 0, 4)
        }
        return bytes
    }

    private static func values(_ payload: [UInt8]) -> [DatabaseValue]? {
        var place = 0
        guard let headSize = varint(payload, &place), headSize > 0, headSize <= Int64(payload.count) else { return nil }
        var (types, start) = ([Int64](), Int(headSize))
        while place < Int(headSize) {
            guard let type = varint(payload, &place) else { return nil }
            types.append(type)
        }
        var values: [DatabaseValue] = []
        for type in types {
            guard let size = size(type), start + size <= payload.count else { return nil }
            values.append(value(type, payload[start..<start + size]))
            start += size
        }
        return start == payload.count && place == Int(headSize) ? values : nil
    }

    /// Bytes of a value; nil where no value has that type.
    private static func size(_ type: Int64) -> Int? {
        switch type {
        case 0, 8, 9: 0
        case 1...4: Int(type)
        case 5: 6
        case 6, 7: 8
        case 12...: Int(clamping: (type - 12) / 2)
        default: nil
        }
    }

    private static func value(_ type: Int64, _ bytes: ArraySlice<UInt8>) -> DatabaseValue {
        switch type {
        case 0: return .null
        case 8: return Int64(0).databaseValue
        case 9: return Int64(1).databaseValue
        case 7: return Double(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) }).databaseValue
        case 12... where type.isMultiple(of: 2): return Data(bytes).databaseValue
        case 13...: return String(decoding: bytes, as: UTF8.self).databaseValue
        default:
            let bits = bytes.reduce(UInt64(bytes.first.map { $0 >= 0x80 } ?? false ? UInt64.max : 0)) {
                $0 << 8 | UInt64($1)
            }
            return Int64(bitPattern: bits).databaseValue
        }
    }

    /// Big-endian.
    /// Big-endian.
    static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 << 8 | Int(bytes[place + $1]) }
    }

    private static func varint(_ bytes: [UInt8], _ place: inout Int) -> Int64? {
        var value: UInt64 = 0
        for length in 1...9 {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            place += 1
            if length == 9 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
            value = value << 7 | UInt64(byte & 0x7f)
            if byte < 0x80 { break }
        }
        return Int64(bitPattern: value)
    }
}
