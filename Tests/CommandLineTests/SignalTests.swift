import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// One signal ends every command, wherever it is.
    @Suite(.serialized) struct SignalTests {
        private static let waiting: [[String]] = [
            ["status", "--connect", "tcp://10.255.255.1:5550", "--insecure"],
            ["fetch", "x", "--connect", "tcp://10.255.255.1:5550", "--insecure"],
            ["watch", "--connect", "tcp://10.255.255.1:5550", "--insecure"], ["bench"],
            ["model", "init", "--preset", "1b_lyrics", "--levels", "2", "model"],
            ["sample", "--seconds", "20", "--genre", "bossa", "--out", "song"],
        ]

        @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
        func `a signal ends a command with its exit code`(signal: Int32) async throws {
            for arguments in Self.waiting {
                let process = try Orchestrion.start(arguments)
                try await wait(for: "the program to take signals", interval: .milliseconds(5)) {
                    process.catches(signal) || !process.isRunning
                }
                #expect(process.signal(signal), "\(arguments): \(process.errorOutput)")
                let ending = try await process.waitForEnd(limit: .seconds(300))
                #expect(ending == .exited(128 + signal), "\(arguments): \(process.errorOutput)")
            }
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a worker that nobody answers stops at one signal`(signal: Int32) async throws {
            let worker = try Orchestrion.start(
                ["worker", "--model", await TestModel.tiny(), "--connect", "tcp://127.0.0.1:9"])
            try await wait(for: "the worker to be ready") {
                worker.errorOutput.contains("connects to") || !worker.isRunning
            }
            try await wait(for: "the worker to take signals its own way", interval: .milliseconds(5)) {
                worker.catches(signal) || !worker.isRunning
            }
            #expect(worker.signal(signal))
            let ending = try await worker.waitForEnd(limit: .seconds(300))
            #expect([.exited(0), .exited(128 + signal)].contains(ending), "\(worker.errorOutput)")
        }

        @Test func `a coordinator goes on when nobody reads its log any more`() async throws {
            let folder = try TestFolder.make("unread")
            let script = """
                sh -c 'echo $$ > pid; exec "$0" coordinator --listen tcp://127.0.0.1:0 --endpoint-file endpoint \
                    --state state' "$0" 2>&1 | head -1 > first &
                while [ ! -s endpoint ]; do sleep 0.05; done
                # Each is told in the log, which nobody reads after its first line.
                for number in 1 2 3; do
                    "$0" submit --connect "$(cat endpoint)" --seconds 60 --id "song-$number" > /dev/null || exit 3
                    "$0" cancel "song-$number" --connect "$(cat endpoint)" > /dev/null || exit 4
                done
                "$0" status --connect "$(cat endpoint)" && kill -TERM "$(cat pid)"
                """
            let process = try ChildProcess(
                name: "unread", executable: "/bin/sh", arguments: ["-c", script, Orchestrion.path], folder: folder,
                logs: folder)
            #expect(try await process.waitForEnd() == .exited(0), "\(process.output)\(process.errorOutput)")
        }

        @Test func `a song that is begun ends at one signal, and goes on`() async throws {
            let song = TestSong(model: try await TestModel.tiny(), seconds: 4, seed: 53)
            let arguments = ["sample", "--out", try TestFolder.place("song"), "--verbose"] + song.options
            let process = try Orchestrion.start(arguments)
            try await wait(for: "the song to begin", interval: .milliseconds(2)) {
                process.errorOutput.contains("is welcome") || !process.isRunning
            }
            process.signal(SIGTERM)
            #expect(try await process.waitForEnd() == .exited(143), "\(process.errorOutput)")
            #expect(process.errorOutput.contains("goes on"))
            try await Orchestrion.succeed(arguments)
        }

        @Test func `a reader that goes ends the program quietly`() async throws {
            let folder = try TestFolder.make("pipe")
            let process = try ChildProcess(
                name: "pipe", executable: "/bin/sh",
                arguments: ["-c", "\"$0\" sample --help | head -1", Orchestrion.path],
                folder: folder, logs: folder)
            #expect(try await process.waitForEnd() == .exited(0))
            #expect(process.errorOutput.isEmpty && process.output.contains("OVERVIEW"), "\(process.errorOutput)")
        }
    }
}
