import Foundation
import GRDB
import TestSupport
import Testing

extension CommandLines {
    /// A coordinator whose disks, limits and files fail under it: its songs wait, say why, and end with the same tokens.
    @Suite(.serialized) struct DiskTroubleTests {
        private static func song(_ seed: UInt64 = 3) async throws -> TestSong {
            TestSong(model: try await TestModel.tiny(), seconds: 3, seed: seed)
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

        // MARK: full disks

        /// A coordinator and a worker in a view of the file system of their own, in which `disk` is small. A file `fill` fills
        /// it, and a file `more` makes it larger.
        private func smallDisk(_ kilobytes: Int, _ disk: String, _ logs: String, model: String) throws -> ChildProcess {
            let script = """
                trap 'kill -9 %1 %2; exit 1' TERM
                mount -t tmpfs -o size=\(kilobytes)k tmpfs \(disk)
                "$0" coordinator --listen tcp://127.0.0.1:0 --endpoint-file \(logs)/endpoint --state \(disk)/state \
                    --threads 1 --model \(model) &
                while [ ! -s \(logs)/endpoint ] && kill -0 %1 2>/dev/null; do sleep 0.05; done
                "$0" worker --model \(model) --threads 1 --connect "$(cat \(logs)/endpoint)" >/dev/null 2>&1 &
                while [ ! -e \(logs)/more ]; do
                    [ ! -e \(logs)/fill ] || [ -e \(disk)/filler ] || cat /dev/zero > \(disk)/filler 2>/dev/null
                    sleep 0.05
                done
                mount -o remount,size=60m \(disk)
                while [ ! -e \(logs)/end ]; do sleep 0.05; done
                kill %2
                kill -TERM %1
                wait %1
                """
            return try ChildProcess(
                name: "small-disk", executable: "/usr/bin/unshare",
                arguments: ["-m", "/bin/bash", "-c", script, Orchestrion.path], folder: logs, logs: logs)
        }

        private func status(_ endpoint: String) async throws -> [String: Any] {
            let result = try await Orchestrion.succeed(["status", "--json", "--connect", endpoint])
            return try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] ?? [:]
        }

        private func songs(_ endpoint: String) async throws -> [[String: Any]] {
            try await status(endpoint)["songs"] as? [[String: Any]] ?? []
        }

        @Test(.enabled(if: mayMount), arguments: [40, 250, 700, 1500])
        func `a song on a full state disk waits, says so, and goes on within seconds of room`(size: Int) async throws {
            let song = try await Self.song()
            let expected = try await song.undisturbed()
            let (disk, logs) = (try TestFolder.make("small"), try TestFolder.make("logs"))
            let process = try smallDisk(size, disk, logs, model: song.model)
            defer { process.signal(SIGTERM) }
            try await wait(for: "the coordinator to listen") {
                FileManager.default.fileExists(atPath: "\(logs)/endpoint") || !process.isRunning
            }
            let endpoint = try String(contentsOfFile: "\(logs)/endpoint", encoding: .utf8)
            // Where there is no room for the song at all, it is refused, with the reason.
            var submitted = try await Orchestrion.run(["submit", "--id", "s", "--connect", endpoint] + song.options)
            if submitted.succeeded {
                try await wait(for: "the disk to be full, or the song to end", limit: .seconds(120)) {
                    let now = try await status(endpoint)
                    let troubles = now["troubles"] as? [String] ?? []
                    let song = (now["songs"] as? [[String: Any]])?.first
                    try #require(song?["state"] as? String != "failed", "\(song ?? [:])")
                    let waiting = song?["waiting"] as? String ?? ""
                    return song?["state"] as? String == "finished" || waiting.contains("full")
                        || troubles.contains { $0.contains("assignments are stopped") }
                }
            } else {
                #expect(
                    submitted.errorOutput.contains("full") || submitted.errorOutput.contains("answer"),
                    "\(submitted.report)")
            }
            try Data().write(to: URL(fileURLWithPath: "\(logs)/more"))
            let before = ContinuousClock.now
            if !submitted.succeeded {
                try await wait(for: "songs to be taken on") {
                    submitted = try await Orchestrion.run(
                        ["submit", "--id", "s", "--connect", endpoint] + song.options)
                    return submitted.succeeded
                }
                #expect(before.duration(to: .now) < .seconds(20))
            }
            try await wait(for: "the song to go on", limit: .seconds(300)) {
                let now = try await status(endpoint)
                return !(now["troubles"] as? [String] ?? []).contains { $0.contains("stopped") }
            }
            #expect(before.duration(to: .now) < .seconds(20))
            try await wait(for: "the song to finish", limit: .seconds(120)) {
                let state = try await songs(endpoint).first?["state"] as? String
                try #require(state != "failed")
                return state == "finished"
            }
            let out = try TestFolder.place("out")
            try await Orchestrion.succeed(["fetch", "s", "--out", out, "--connect", endpoint])
            #expect(try SongResult(folder: out) == expected)
            try Data().write(to: URL(fileURLWithPath: "\(logs)/end"))
            #expect(try await process.waitForEnd(limit: .seconds(300)) == .exited(0), "\(process.errorOutput)")
        }

        @Test(.enabled(if: mayMount))
        func `a coordinator whose disk is full at its start answers, and starts when there is room`()
            async throws
        {
            let song = try await Self.song()
            let (disk, logs) = (try TestFolder.make("small"), try TestFolder.make("logs"))
            let process = try smallDisk(8, disk, logs, model: song.model)
            defer { process.signal(SIGTERM) }
            try await wait(for: "the coordinator to listen") {
                FileManager.default.fileExists(atPath: "\(logs)/endpoint") || !process.isRunning
            }
            try #require(process.isRunning, "\(process.errorOutput)")
            let endpoint = try String(contentsOfFile: "\(logs)/endpoint", encoding: .utf8)
            let troubles = try await status(endpoint)["troubles"] as? [String] ?? []
            #expect(troubles.contains { $0.contains("full") }, "\(troubles)")
            try Data().write(to: URL(fileURLWithPath: "\(logs)/more"))
            try await wait(for: "the song to be taken on", limit: .seconds(300)) {
                try await Orchestrion.run(["submit", "--id", "s", "--connect", endpoint] + song.options).succeeded
            }
            try Data().write(to: URL(fileURLWithPath: "\(logs)/end"))
            _ = try await process.waitForEnd(limit: .seconds(300))
        }

        @Test(.enabled(if: mayMount))
        func `songs that have not ended can be removed from a full disk`() async throws {
            let song = try await Self.song()
            let large = TestSong(model: song.model, seconds: 1.5, seed: 9, samples: 4)
            let expected = try await song.undisturbed()
            let (disk, logs) = (try TestFolder.make("small"), try TestFolder.make("logs"))
            let process = try smallDisk(16_000, disk, logs, model: song.model)
            defer { process.signal(SIGTERM) }
            try await wait(for: "the coordinator to listen") {
                FileManager.default.fileExists(atPath: "\(logs)/endpoint") || !process.isRunning
            }
            let endpoint = try String(contentsOfFile: "\(logs)/endpoint", encoding: .utf8)
            for number in 1...3 {
                let options = ["--id", "s\(number)", "--connect", endpoint]
                try await Orchestrion.succeed(["submit"] + large.options + options)
            }
            try await wait(for: "tokens") {
                try await songs(endpoint).contains { $0["sampled_tokens"] as? Int ?? 0 > 0 }
            }
            try Data().write(to: URL(fileURLWithPath: "\(logs)/fill"))
            try await wait(for: "the disk to be full", limit: .seconds(120)) {
                (try await status(endpoint)["troubles"] as? [String] ?? []).contains { $0.contains("stopped") }
            }
            let late = try await Orchestrion.run(["cancel", "s3", "--connect", endpoint])
            #expect(late.ending == .exited(1) && late.errorOutput.contains("journaled again"), "\(late.report)")
            try await wait(for: "all songs to be gone") {
                let open = try await songs(endpoint).compactMap { $0["song"] as? String }
                if !open.isEmpty { _ = try await Orchestrion.run(["remove", "--force", "--connect", endpoint] + open) }
                return open.isEmpty
            }
            try Data().write(to: URL(fileURLWithPath: "\(logs)/more"))
            try await wait(for: "a song to be taken on") {
                try await Orchestrion.run(["submit", "--id", "last", "--connect", endpoint] + song.options).succeeded
            }
            try await wait(for: "the song to finish", limit: .seconds(120)) {
                try await songs(endpoint).first?["state"] as? String == "finished"
            }
            let out = try TestFolder.place("out")
            try await Orchestrion.succeed(["fetch", "last", "--out", out, "--connect", endpoint])
            #expect(try SongResult(folder: out) == expected)
            try Data().write(to: URL(fileURLWithPath: "\(logs)/end"))
            #expect(try await process.waitForEnd(limit: .seconds(300)) == .exited(0), "\(process.errorOutput)")
        }

        // MARK: models

        @Test
        func `a song whose model is away at a restart waits, another goes on, and it does when the model is back`()
            async throws
        {
            let own = try await TestModel.copy(TestModel.tiny(), as: "away")
            let away = TestSong(model: own, seconds: 1.5, seed: 5)
            let here = try await Self.song()
            let expected = (try await away.undisturbed(), try await here.undisturbed())
            try await withCluster(Cluster.Options(models: [here.model, own])) { cluster in
                let id = try await cluster.submit(away, id: "away")
                try cluster.coordinator().kill()
                try FileManager.default.moveItem(atPath: own, toPath: own + ".gone")
                try await cluster.startCoordinator()
                try await cluster.submit(here, id: "here")
                try cluster.startWorker("a")
                try #require(try await cluster.result(of: "here") == expected.1)
                // All is sampled; decoding waits for the model.
                try await wait(for: "the song to wait") {
                    let now = try await cluster.command("status", ["away", "--json"]).output
                    return now.contains("\"waiting\":\"decoding") || now.contains("\"waiting\":\"writing")
                }
                try #require(try await cluster.status(of: id).state != "failed")
                try FileManager.default.moveItem(atPath: own + ".gone", toPath: own)
                try #require(try await cluster.result(of: id) == expected.0)
            }
        }

        // MARK: journals

        /// Leaves a song half sampled, damages its journal, and lets it end.
        private func afterDamage(_ sql: String, copies: Int = 1) async throws {
            let song = try await Self.song(9)
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(1500, of: id)
                try cluster.coordinator().kill()
                let journal = cluster.stateFolder + "/journal.sqlite"
                try await DatabaseQueue(path: journal).write { db in try db.execute(sql: sql) }
                try await cluster.startCoordinator()
                try #require(try await cluster.result(of: id) == expected)
                let names = try FileManager.default.contentsOfDirectory(atPath: cluster.stateFolder)
                #expect(
                    names.count { $0.hasPrefix("journal.damaged-") && $0.hasSuffix(".sqlite") } == copies, "\(names)")
            }
        }

        @Test(arguments: [
            "UPDATE records SET tokens = CAST(x'ffff' || substr(tokens, 3) AS BLOB) WHERE id IN (SELECT id FROM records WHERE kind = 'sampled' ORDER BY id LIMIT 1 OFFSET 2)",
            "UPDATE records SET epoch = epoch + 4096 WHERE id = (SELECT max(id) FROM records WHERE kind = 'granted')",
            "UPDATE records SET kind = 'grantee' WHERE id = (SELECT min(id) FROM records WHERE kind = 'granted')",
            "UPDATE songs SET submission = replace(submission, '\"seed\":9', '\"seed\":8')",
        ]) func `one damaged value in a journal costs no song and no bit`(sql: String) async throws {
            try await afterDamage(sql)
        }

        @Test func `damaged claims of windows that are compared cost no song and no bit`() async throws {
            let song = try await Self.song(9)
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model], coordinator: ["--verify-share", "1"])) {
                cluster in
                for name in ["a", "b"] {
                    try cluster.startWorker(name, environment: ["ORCHESTRION_MACHINE": name])
                }
                // A window that is given out while one machine alone is heard is not compared.
                try await wait(for: "both workers") { try await cluster.status().workers.count == 2 }
                let id = try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(1000, of: id)
                try cluster.coordinator().kill()
                let changed = try await DatabaseQueue(path: cluster.stateFolder + "/journal.sqlite").write { db in
                    try db.execute(
                        sql:
                            "UPDATE records SET start = start + 1 WHERE id IN (SELECT id FROM records WHERE kind = 'claim' LIMIT 2)"
                    )
                    return db.changesCount
                }
                #expect(changed > 0)
                try await cluster.startCoordinator()
                try #require(try await cluster.result(of: id) == expected)
            }
        }

        @Test func `another program's lock of ten seconds is waited for, and status says so`() async throws {
            let song = try await Self.song(9)
            let expected = try await song.undisturbed()
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                try cluster.startWorker("a")
                let id = try await cluster.submit(song, id: "s")
                try await cluster.waitUntilSampled(200, of: id)
                var configuration = Configuration()
                configuration.allowsUnsafeTransactions = true
                // The coordinator may have it just now.
                configuration.busyMode = .timeout(60)
                let other = try DatabaseQueue(
                    path: cluster.stateFolder + "/journal.sqlite", configuration: configuration)
                try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
                try await wait(for: "status to say so", limit: .seconds(300)) {
                    try await cluster.command("status", ["--json"]).output.contains("another program has locked it")
                }
                try await Task.sleep(for: .seconds(6))
                try #require(cluster.coordinator().isRunning)
                try await other.writeWithoutTransaction { db in try db.execute(sql: "COMMIT") }
                try #require(try await cluster.result(of: id) == expected)
            }
        }

        // MARK: logs

        @Test func `neither a log that cannot be written nor one that nobody reads ends a coordinator or a worker`()
            async throws
        {
            let song = try await Self.song(9)
            let expected = try await song.undisturbed()
            for ending in ["2>/dev/full", "2>&-", "2>&1 | true", "2>&1 | sleep 1000"] {
                let logs = try TestFolder.make("logs")
                let script = """
                    set -m
                    { "$0" coordinator --listen tcp://127.0.0.1:0 --endpoint-file \(logs)/endpoint --state \(logs)/state \
                        --model \(song.model) \
                        --threads 1; echo $? > \(logs)/coordinator.code; } \(ending) &
                    while [ ! -s \(logs)/endpoint ]; do sleep 0.05; done
                    { "$0" worker --model \(song.model) --threads 1 --connect "$(cat \(logs)/endpoint)"; \
                        echo $? > \(logs)/worker.code; } \(ending) &
                    trap 'for job in $(jobs -p); do kill -9 -- -$job; done; exit 0' TERM
                    sleep 1000 & wait %3
                    """
                let process = try ChildProcess(
                    name: "logs", executable: "/bin/bash", arguments: ["-c", script, Orchestrion.path], folder: logs,
                    logs: logs)
                let fault: (any Error)?
                do {
                    try await Self.sampleBeside(logs, song, expected, ending)
                    fault = nil
                } catch { fault = error }
                // It ends what it has started, and is waited for.
                process.signal(SIGTERM)
                _ = try await process.waitForEnd()
                if let fault { throw fault }
            }
        }

        private static func sampleBeside(
            _ logs: String, _ song: TestSong, _ expected: SongResult, _ ending: String
        ) async throws {
            try await wait(for: "the coordinator to listen", limit: .seconds(60)) {
                FileManager.default.fileExists(atPath: "\(logs)/endpoint")
            }
            let endpoint = try String(contentsOfFile: "\(logs)/endpoint", encoding: .utf8)
            let out = try TestFolder.place("out")
            try await Orchestrion.succeed(
                ["submit", "--wait", "--out", out, "--connect", endpoint] + song.options, limit: .seconds(120))
            #expect(try SongResult(folder: out) == expected, "\(ending)")
            for name in ["coordinator", "worker"] {
                #expect(!FileManager.default.fileExists(atPath: "\(logs)/\(name).code"), "\(name) \(ending)")
            }
        }

        // MARK: space

        @Test func `a removed song leaves nothing, and its id is free`() async throws {
            let song = try await Self.song(9)
            try await withCluster(Cluster.Options(models: [song.model])) { cluster in
                let id = try await cluster.submit(song, id: "s")
                let refused = try await cluster.command("remove", [id])
                #expect(!refused.succeeded && refused.errorOutput.contains("--force"), "\(refused.report)")
                #expect(try await cluster.command("remove", [id, "--force"]).succeeded)
                try await wait(for: "the song to be gone") { try await cluster.status().songs.isEmpty }
                #expect(!FileManager.default.fileExists(atPath: cluster.stateFolder + "/songs/s"))
                try cluster.startWorker("a")
                try await cluster.submit(TestSong(model: song.model, seconds: 1, seed: 1), id: "s")
                _ = try await cluster.result(of: "s")
                #expect(try await cluster.command("remove", ["s"]).succeeded)
                try await cluster.startCoordinatorAgain()
                #expect(try await cluster.status().songs.isEmpty)
                let check = try await Orchestrion.succeed(["journal", "check", "--state", cluster.stateFolder])
                #expect(
                    check.output.contains("0 songs, 0 records") && check.output.contains("All is well"),
                    "\(check.report)")
            }
        }
    }
}

extension Cluster {
    fileprivate func startCoordinatorAgain() async throws {
        try coordinator().kill()
        try await startCoordinator()
    }
}
