import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// What cannot be written is told at once and in plain words, and the same command goes on later.
    @Suite(.serialized) struct FullDiskTests {
        private static let song = [
            "sample", "--genre", "bossa", "--stop-at", "2", "--seed", "7", "--seconds", "8", "--threads", "2",
        ]
        private static let jargon = [
            "NSCocoaErrorDomain", "NSPOSIXErrorDomain", "Error Domain=", "SQLITE", "SystemError",
        ]

        /// Runs a command where `prepare` has made a small disk, in a view of the file system of its own.
        private func run(_ prepare: String, _ arguments: [String], limit: Duration = patience) async throws
            -> Orchestrion.Result
        {
            let folder = try TestFolder.make("disk")
            let script = "\(prepare) && exec \"$0\" \"$@\""
            let process = try ChildProcess(
                name: "small-disk", executable: "/usr/bin/unshare",
                arguments: ["-m", "/bin/sh", "-c", script, Orchestrion.path] + arguments, folder: folder, logs: folder)
            let ending = try await process.waitForEnd(limit: limit)
            return Orchestrion.Result(
                command: arguments.joined(separator: " "), ending: ending, output: process.output,
                errorOutput: process.errorOutput)
        }

        /// Small disks need rights that not every place has.
        private static let mayMount: Bool = {
            let process = try? ChildProcess(
                name: "mount", executable: "/usr/bin/unshare",
                arguments: ["-m", "/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt"], folder: "/",
                logs: TestFolder.make("mount"))
            while process?.isRunning == true { usleep(5000) }
            return process?.ending == .exited(0)
        }()

        private func check(_ result: Orchestrion.Result, says words: String) {
            #expect(result.ending == .exited(1), "\(result.report)")
            let error = result.errorOutput.split(separator: "\n").last ?? ""
            #expect(error.hasPrefix("Error: ") && error.contains(words), "\(result.report)")
            for word in Self.jargon { #expect(!result.errorOutput.contains(word), "\(result.report)") }
        }

        /// Where the journal, the sound that grows, and the finished audio meet the end of the disk.
        @Test(.enabled(if: mayMount), arguments: [4, 48, 140, 300, 1200, 2200])
        func `a song on a full disk ends with the reason, and goes on when there is room`(size: Int) async throws {
            let disk = try TestFolder.make("small")
            let first = "mount -t tmpfs -o size=\(size)k tmpfs \(disk)"
            check(try await run(first, Self.song + ["--out", "\(disk)/song"]), says: "is full")
            // The same disk, which is made larger between two runs.
            let again =
                "\(first); '\(Orchestrion.path)' \((Self.song + ["--out", "\(disk)/song"]).joined(separator: " "))"
            let result = try await run(
                "\(again); mount -o remount,size=20m \(disk)", Self.song + ["--out", "\(disk)/song", "--json"])
            #expect(result.succeeded && result.errorOutput.contains("is full"), "\(result.report)")
        }

        @Test(.enabled(if: mayMount)) func `every command that writes says that the disk is full`() async throws {
            let disk = try TestFolder.make("small")
            let song = try TestFolder.place("song")
            try await Orchestrion.succeed(Self.song + ["--out", song])
            let full = "mount -t tmpfs -o size=64k tmpfs \(disk) && { cat /dev/zero > \(disk)/fill; true; } 2>/dev/null"
            for command in [
                ["decode", song, "--out", "\(disk)/again"], ["picture", song, "--out", "\(disk)/a.png"],
                ["plan", "--seconds", "1", "--plot", "\(disk)/plan.svg"], ["keys", "new", "\(disk)/key"],
                ["timeline", song, "--plot", "\(disk)/time.svg"],
                ["model", "init", "--preset", "tiny", "\(disk)/model"],
            ] { check(try await run(full, command), says: "is full") }
        }

        @Test(.enabled(if: mayMount)) func `other refusals of the system are told in words, too`() async throws {
            let disk = try TestFolder.make("small")
            let out = ["--out", "\(disk)/song"]
            for (prepare, words) in [
                ("mount -t tmpfs -o nr_inodes=9 tmpfs \(disk)", "no inodes are left"),
                ("mount -t tmpfs -o ro tmpfs \(disk)", "is read-only"), ("ulimit -n 20", "ulimit -n"),
                ("ulimit -f 100", "ulimit -f"), ("ulimit -v 180000", "ulimit -v"), ("ulimit -v 400000", "ulimit -v"),
            ] { check(try await run(prepare, Self.song + out), says: words) }
        }

        @Test func `a device is written into and not replaced, and what cannot be printed is no success`() async throws
        {
            check(try await Orchestrion.run(["plan", "--seconds", "1", "--plot", "/dev/full"]), says: "is full")
            let folder = try TestFolder.make("printed")
            let process = try ChildProcess(
                name: "full", executable: "/bin/sh",
                arguments: ["-c", "exec \"$0\" plan --seconds 1 > /dev/full", Orchestrion.path], folder: folder,
                logs: folder)
            #expect(try await process.waitForEnd() == .exited(1))
            #expect(process.errorOutput.contains("standard output"))
        }

        @Test(.enabled(if: mayMount)) func `a coordinator on a full disk waits, says so, and ends at one signal`()
            async throws
        {
            let disk = try TestFolder.make("small")
            let logs = try TestFolder.make("logs")
            let script = """
                mount -t tmpfs -o size=400k tmpfs \(disk)
                "$0" coordinator --listen tcp://127.0.0.1:0 --endpoint-file \(logs)/endpoint --state \(disk)/state &
                while [ ! -s \(logs)/endpoint ]; do sleep 0.05; done
                cat /dev/zero > \(disk)/fill 2>/dev/null
                for number in 1 2 3 4 5 6 7 8; do
                    "$0" submit --connect "$(cat \(logs)/endpoint)" --seconds 60 --id "song-$number" >/dev/null 2>&1 &
                done
                echo $! > \(logs)/ready
                trap 'kill -TERM %1; wait %1; exit $?' TERM
                wait %1
                """
            let process = try ChildProcess(
                name: "coordinator", executable: "/usr/bin/unshare",
                arguments: ["-m", "/bin/bash", "-c", script, Orchestrion.path], folder: logs, logs: logs)
            try await wait(for: "the coordinator to wait for room") {
                process.errorOutput.contains("assignments are stopped") || !process.isRunning
            }
            #expect(process.errorOutput.contains("is full"), "\(process.errorOutput)")
            process.signal(SIGTERM)
            #expect(try await process.waitForEnd(limit: .seconds(300)) == .exited(0), "\(process.errorOutput)")
        }
    }
}
