import CoordinatorCore
import Journal
import SongPlan
import Testing

@testable import FaultSimulation

/// The disk under the journal: what is synced stays, the rest is chance.
struct SimulatedDiskTests {
    private static let folder = "/state"

    private static func records(_ count: Int) -> [Record] {
        (0..<count).map { .verdict("m\($0)", reason: String(repeating: "w", count: 300)) }
    }

    @Test(arguments: UInt64(0)..<20)
    func `what a journal has appended is there after a power cut`(_ seed: UInt64) throws {
        let disk = try SimulatedDisk(VirtualClock())
        let records = Self.records(60)
        let journal = try Journal(folder: Self.folder, on: disk)
        for record in records { try journal.append([record]) }
        disk.kill()
        journal.close()
        disk.cutPower(seed)
        let reopened = try Journal(folder: Self.folder, on: disk)
        #expect(try reopened.replay() == records)
        #expect(try reopened.integrityFaults().isEmpty)
        reopened.close()
    }

    @Test func `what was written and not synced is lost by some power cuts, and kept by others`() throws {
        var kept = 0
        for seed in UInt64(0)..<60 {
            let disk = try SimulatedDisk(VirtualClock())
            let journal = try Journal(folder: Self.folder, on: disk)
            try journal.append(Self.records(3))
            journal.close()
            try disk.copy(Self.folder + "/journal.sqlite", to: Self.folder + "/copy")
            disk.cutPower(seed)
            #expect(disk.exists(Self.folder + "/journal.sqlite"))
            if disk.exists(Self.folder + "/copy") { kept += 1 }
        }
        #expect(kept > 0 && kept < 60)
    }

    @Test func `a process that dies at a change of its disk has the one before it, and not the one after`() throws {
        for count in 0..<12 {
            let disk = try SimulatedDisk(VirtualClock())
            let records = Self.records(6)
            let journal = try Journal(folder: Self.folder, on: disk)
            try journal.append(records)
            disk.die(afterChanges: count, half: count.isMultiple(of: 2))
            var appended = 0
            for record in records {
                do { try journal.append([record]) } catch { break }
                appended += 1
            }
            #expect(disk.isDead)
            journal.close()
            disk.revive()
            let reopened = try Journal(folder: Self.folder, on: disk)
            let found = try reopened.replay()
            #expect(found.starts(with: records + records.prefix(appended)))
            #expect(found.count <= records.count + appended + 1)
            reopened.close()
        }
    }

    @Test func `what a new process has read of one that was killed stays when the power goes`() throws {
        for count in 0..<12 {
            let disk = try SimulatedDisk(VirtualClock())
            let journal = try Journal(folder: Self.folder, on: disk)
            try journal.append(Self.records(6))
            disk.die(afterChanges: count, half: false)
            for record in Self.records(6) { guard (try? journal.append([record])) != nil else { break } }
            #expect(disk.isDead)
            journal.close()
            disk.revive()
            let second = try Journal(folder: Self.folder, on: disk)
            let found = try second.replay()
            disk.kill()
            second.close()
            disk.cutPower(UInt64(count))
            let third = try Journal(folder: Self.folder, on: disk)
            #expect(try third.replay() == found, "killed after \(count) changes")
            third.close()
        }
    }

    @Test func `a bit that has changed stays so when the power goes`() throws {
        for seed in UInt64(0)..<20 {
            let disk = try SimulatedDisk(VirtualClock())
            let journal = try Journal(folder: Self.folder, on: disk)
            try journal.append([.verdict("a machine", reason: "why")])
            // Not synced.
            try disk.copy(Self.folder + "/journal.sqlite-wal", to: Self.folder + "/copy")
            #expect(disk.flip(1, at: 0, of: Array("a machine".utf8), in: Self.folder + "/copy"))
            disk.kill()
            journal.close()
            disk.cutPower(seed)
            if disk.exists(Self.folder + "/copy") {
                let text = String(decoding: try disk.read(Self.folder + "/copy"), as: UTF8.self)
                #expect(!text.contains("a machine"))
            }
        }
    }

    @Test func `a full disk refuses the journal, which goes on when there is room`() throws {
        let disk = try SimulatedDisk(VirtualClock())
        let journal = try Journal(folder: Self.folder, on: disk)
        disk.setFull(true)
        let error = #expect(throws: JournalError.self) { try journal.append(Self.records(40)) }
        #expect(error?.passes == true)
        disk.setFull(false)
        try journal.append(Self.records(2))
        #expect(try journal.replay() == Self.records(2))
        journal.close()
    }
}
