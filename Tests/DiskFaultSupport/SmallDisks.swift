import Foundation
package import TestSupport
import ZeroMQTransport

/// A coordinator on a disk of one size after another, each too small for what its song needs, or just large enough. When the
/// disk is full it must wait and say so, and when there is room go on by itself, soon.
package struct SmallDisks: Sendable {
    package struct Report: Sendable {
        package var sizes = 0
        /// Sizes at which the disk was full before the song had ended.
        package var full = 0
        package var passed = 0
        /// From the room to the coordinator going on.
        package var delays: [Duration] = []
        package var faults: [String] = []

        package var slowest: Duration { delays.max() ?? .zero }
        package var text: String {
            "\(sizes) sizes, full at \(full) of them, \(passed) passed; it went on \(slowest.seconds) s after there was room at "
                + "most"
        }
    }

    /// What there is too little of.
    package enum Room: Sendable, Hashable {
        /// On the disk; it needs the right to mount.
        case disk
        /// In each file (`ulimit -f`).
        case file
    }

    private let song: TestSong
    private let expected: SongResult
    private let (room, limit): (Room, Duration)

    package init(_ song: TestSong, room: Room = .disk, limit: Duration = .seconds(5)) async throws {
        (self.song, self.room, self.limit) = (song, room, limit)
        expected = try await song.undisturbed()
    }

    /// Small disks need rights that not every place has.
    package static let areAllowed: Bool = {
        guard let folder = try? TestFolder.make("mount") else { return false }
        let process = try? ChildProcess(
            name: "mount", executable: "/usr/bin/unshare",
            arguments: ["-m", "/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt"], folder: "/", logs: folder)
        while process?.isRunning == true { usleep(5000) }
        return process?.ending == .exited(0)
    }()

    /// - Parameter sizes: in kB.
    package func run(_ sizes: [Int], progress: (Int) -> Void = { _ in }) async -> Report {
        var report = Report()
        for size in sizes {
            report.sizes += 1
            do {
                if let delay = try await delay(size) {
                    report.full += 1
                    report.delays.append(delay)
                    guard delay <= limit else {
                        throw TestSupportError("it went on \(delay.seconds) s after there was room")
                    }
                }
                report.passed += 1
            } catch {
                report.faults.append("\(size) kB: \(error)")
            }
            progress(report.sizes)
        }
        return report
    }

    /// - Returns: from the room to the coordinator going on; nil where the song had room enough.
    private func delay(_ size: Int) async throws -> Duration? {
        let (disk, logs) = (try TestFolder.make("small"), try TestFolder.make("logs"))
        let process = try start(size, disk, logs)
        defer { process.signal(SIGTERM) }
        try await wait(for: "the coordinator to listen", limit: .seconds(120)) {
            FileManager.default.fileExists(atPath: "\(logs)/endpoint") || !process.isRunning
        }
        let endpoint = try String(contentsOfFile: "\(logs)/endpoint", encoding: .utf8)
        let probe = try Probe(endpoint: endpoint, security: .open)
        defer { probe.close() }
        let submitting = Task {
            while !Task.isCancelled {
                let arguments = ["submit", "--id", "s", "--connect", endpoint] + song.options
                if try await Orchestrion.run(arguments).succeeded { return }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        defer { submitting.cancel() }
        var (isFull, isDone) = (false, false)
        try await wait(for: "the disk to be full, or the song to end", limit: .seconds(120)) {
            let now = try await probe.status()
            let song = now.songs.first
            if song?.state == "failed" { throw TestSupportError("the song failed: \(song?.reason ?? "")") }
            isDone = song?.state == "finished"
            isFull = Self.isFull(now)
            return isDone || isFull
        }
        var delay: Duration?
        if isFull {
            try Data().write(to: URL(fileURLWithPath: "\(logs)/more"))
            let before = ContinuousClock.now
            try await wait(for: "it to go on", limit: .seconds(60)) { try await !Self.isFull(probe.status()) }
            delay = before.duration(to: .now)
        }
        try await wait(for: "the song to finish", limit: .seconds(120)) {
            let song = try await probe.status().songs.first
            if song?.state == "failed" { throw TestSupportError("the song failed: \(song?.reason ?? "")") }
            return song?.state == "finished"
        }
        let out = try TestFolder.place("out")
        try await Orchestrion.succeed(["fetch", "s", "--out", out, "--connect", endpoint])
        guard try SongResult(folder: out) == expected else { throw TestSupportError("other tokens") }
        return delay
    }

    private static func isFull(_ status: ClusterStatus) -> Bool {
        (status.troubles ?? []).contains { $0.contains("stopped") || $0.contains("cannot be opened") }
            || status.songs.contains {
                $0.waiting?.contains("full") == true || $0.waiting?.contains("ulimit -f") == true
            }
    }

    /// A coordinator and a worker, where there is a disk in a view of the file system of their own. A file `more` makes room.
    private func start(_ kilobytes: Int, _ disk: String, _ logs: String) throws -> ChildProcess {
        let (before, inside, more, view) =
            switch room {
            case .disk:
                (
                    "mount -t tmpfs -o size=\(kilobytes)k tmpfs \(disk)", "true", "mount -o remount,size=60m \(disk)",
                    ["/usr/bin/unshare", "-m"]
                )
            case .file: ("true", "ulimit -S -f \(kilobytes)", "prlimit --fsize=unlimited: --pid $coordinator", [])
            }
        let script = """
            trap 'kill -9 %1 %2; exit 1' TERM
            \(before)
            (\(inside); exec "$0" coordinator --listen tcp://127.0.0.1:0 --endpoint-file \(logs)/endpoint --state \(disk)/state \
                --threads 1 --model \(song.model)) &
            coordinator=$!
            while [ ! -s \(logs)/endpoint ] && kill -0 %1 2>/dev/null; do sleep 0.05; done
            "$0" worker --model \(song.model) --threads 1 --connect "$(cat \(logs)/endpoint)" >/dev/null 2>&1 &
            while [ ! -e \(logs)/more ]; do sleep 0.05; done
            \(more)
            sleep 10000 &
            wait %3
            """
        let words = view + ["/bin/bash", "-c", script, Orchestrion.path]
        return try ChildProcess(
            name: "small-disk", executable: words[0], arguments: Array(words.dropFirst()), folder: logs, logs: logs)
    }
}
