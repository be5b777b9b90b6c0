import Chaos
import Foundation
import Testing

struct FileLimitTests {
    /// A process that appends to a file, and goes on when it may not.
    private static let script = """
        trap '' XFSZ; while read -t 0.01 line || [ $? -gt 128 ]; do { printf '%01000d' 0 >> "$0"; } 2> /dev/null; done
        """

    private func size(_ file: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? NSNumber)?.intValue ?? 0
    }

    private func grows(_ file: String, past bytes: Int) -> Bool {
        let deadline = ContinuousClock.now + .seconds(120)
        while size(file) <= bytes, ContinuousClock.now < deadline { usleep(5000) }
        return size(file) > bytes
    }

    @Test func `files of a process do not grow while the limit is on, and do afterwards`() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("limit-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let process = try OwnProcess("writer", command: ["/bin/bash", "-c", Self.script, file], log: nil)
        defer { process.kill() }
        #expect(grows(file, past: FileLimit.bytes))
        let limit = FileLimit()
        try limit.begin(process)
        let before = size(file)
        usleep(300_000)
        // What it was writing when the limit came.
        #expect(size(file) <= before + 1000 && process.ending == nil)
        #expect(limit.end(process))
        #expect(grows(file, past: before + 1000))
        #expect(!limit.end(process))
    }

    @Test func `a process that is started meanwhile has the limit, too`() throws {
        let limit = FileLimit()
        try limit.begin(nil)
        let process = try OwnProcess("sleeper", command: ["/bin/cat"], log: nil)
        defer { process.kill() }
        try limit.follow(process)
        #expect(limit.end(process))
    }
}
