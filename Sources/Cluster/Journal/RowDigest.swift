import Foundation
import GRDB

/// A number over all columns of a row, so that damage is found wherever it is. Columns that are null do not count: a later
/// release may add some.
enum RowDigest {
    static let column = "digest"

    static func of(_ columns: some Sequence<(String, DatabaseValue)>) -> Int64 {
        var sum: UInt64 = 0x6f72_6368_6573_7472
        for (name, value) in columns where name != "id" && name != column {
            // A sum, so that the order of the columns does not count.
            if let part = part(name, value) { sum &+= part }
        }
        return Int64(bitPattern: sum)
    }

    private static func part(_ name: String, _ value: DatabaseValue) -> UInt64? {
        switch value.storage {
        case .null: return nil
        case .int64(let number): return hash(name, 1, withUnsafeBytes(of: number.littleEndian, Array.init))
        case .double(let number):
            return hash(name, 2, withUnsafeBytes(of: number.bitPattern.littleEndian, Array.init))
        case .string(let text): return hash(name, 3, Array(text.utf8))
        case .blob(let data): return hash(name, 4, Array(data))
        }
    }

    private static func hash(_ name: String, _ type: UInt8, _ bytes: [UInt8]) -> UInt64 {
        let hash = UInt64(bitPattern: Checksum.of(Array(name.utf8) + [0, type] + bytes))
        // Spread over all bits, since the parts are added.
        var mixed = hash ^ (hash >> 30)
        mixed = mixed &* 0xbf58_476d_1ce4_e5b9
        mixed ^= mixed >> 27
        return mixed &* 0x94d0_49bb_1331_11eb
    }

    /// Whether a row is what was written.
    static func fits(_ row: Row) -> Bool {
        Int64.fromDatabaseValue(row[column] as DatabaseValue? ?? .null) == of(row.map { ($0, $1) })
    }

    /// Gives rows of earlier releases theirs. Rows whose tokens do not match get none, so that they count as damaged.
    static func migrate(_ db: Database, where condition: String = "true") throws {
        let ids = try Int64.fetchAll(db, sql: "SELECT id FROM records WHERE \(condition) ORDER BY id")
        let update = try db.makeStatement(sql: "UPDATE records SET digest = ? WHERE id = ?")
        for id in ids {
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM records WHERE id = ?", arguments: [id]),
                RecordRow.tokensFit(row)
            else { continue }
            try update.execute(arguments: [of(row.map { ($0, $1) }), id])
        }
    }
}

/// A text with a checksum in which one byte was damaged is found again: FNV-1a can be reckoned backwards.
enum TextRepair {
    private static let prime: UInt64 = 0x100_0000_01b3
    /// `prime * inverse` is 1.
    private static let inverse: UInt64 = {
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse = inverse &* (2 &- prime &* inverse) }
        return inverse
    }()

    /// The bytes that have the checksum and differ in one place at most; nil when there are none.
    static func repaired(_ bytes: [UInt8], checksum: Int64) -> [UInt8]? {
        let actual = Checksum.of(bytes)
        if actual == checksum { return bytes }
        // The checksum itself may have a damaged byte.
        let difference = UInt64(bitPattern: actual ^ checksum)
        if (0..<8).contains(where: { difference & ~(0xff << (8 * UInt64($0))) == 0 }) { return bytes }
        var before: [UInt64] = []
        before.reserveCapacity(bytes.count)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes {
            before.append(hash)
            hash = (hash ^ UInt64(byte)) &* prime
        }
        // What the hash must be after each place, from the end on.
        var after = UInt64(bitPattern: checksum)
        for place in bytes.indices.reversed() {
            let mixed = after &* inverse
            let wanted = mixed ^ before[place]
            if wanted < 256 {
                var repaired = bytes
                repaired[place] = UInt8(wanted)
                return repaired
            }
            after = mixed ^ UInt64(bytes[place])
        }
        return nil
    }
}
