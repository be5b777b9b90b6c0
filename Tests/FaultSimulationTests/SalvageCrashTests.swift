import CoordinatorCore
import Journal
import SongPlan
import Testing

@testable import FaultSimulation

/// A journal with a damaged page whose salvage is cut short, wherever: what could be read is there afterwards.
struct SalvageCrashTests {
    private static let (folder, file) = ("/state", "/state/journal.sqlite")

    private static func record(_ number: Int) -> Record {
        .verdict("m\(number)", reason: "\(number) " + String(repeating: "w", count: 300))
    }

    /// Records of which the last are in the write-ahead log alone, and one of the others lies on a page with a damaged head.
    private func damaged() throws -> (SimulatedDisk, [Record]) {
        let disk = try SimulatedDisk(VirtualClock())
        let records = (0..<60).map(Self.record)
        let first = try Journal(folder: Self.folder, on: disk)
        try first.append(Array(records[..<40]))
        first.close()
        let second = try Journal(folder: Self.folder, on: disk)
        for record in records[40...] { try second.append([record]) }
        disk.kill()
        second.close()
        disk.revive()
        let bytes = Array("m20".utf8)
        var file = try disk.read(Self.file)
        let place = try #require(file.indices.first { file[$0...].starts(with: bytes) })
        file[place / 4096 * 4096] ^= 0xff
        #expect(disk.flip(0xff, at: place / 4096 * 4096 - place, of: bytes, in: Self.file))
        return (disk, records)
    }

    @Test func `what was salvaged stays when the power goes at any change of the disk`() throws {
        let (disk, records) = try damaged()
        let whole = try Journal(folder: Self.folder, on: disk)
        let wanted = Set(try whole.read().entries.map(\.record))
        whole.close()
        #expect(wanted.isSuperset(of: records[40...]) && wanted.count < records.count)
        var deaths = 0
        for count in 0..<400 {
            let (disk, _) = try damaged()
            disk.die(afterChanges: count, half: count.isMultiple(of: 2))
            if let journal = try? Journal(folder: Self.folder, on: disk) {
                journal.close()
                guard disk.isDead else { break }
            }
            deaths += 1
            disk.cutPower(UInt64(count))
            let again = try Journal(folder: Self.folder, on: disk)
            let found = Set(try again.read().entries.map(\.record))
            again.close()
            #expect(found.isSuperset(of: wanted), "after \(count) changes \(wanted.subtracting(found).count) are lost")
        }
        #expect(deaths > 20 && deaths < 400)
    }
}
