import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Where commands learn how a coordinator is reached: options, then the environment, then a file.
    struct ConnectionSettingsTests {
        private let folder: String
        private let file: String

        init() throws {
            folder = try TestFolder.make("settings")
            file = "\(folder)/orchestrion/client.json"
            try FileManager.default.createDirectory(
                atPath: "\(folder)/orchestrion", withIntermediateDirectories: true)
        }

        private func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }

        private func status(
            _ arguments: [String] = [], _ environment: [String: String] = [:]
        ) async throws -> Orchestrion.Result {
            try await Orchestrion.run(
                ["status"] + arguments, environment: ["XDG_CONFIG_HOME": folder].merging(environment) { $1 })
        }

        @Test func `an option comes before the environment, and that before the file`() async throws {
            try write(#"{"connect": "tcp://from-file.invalid:1", "insecure": true}"#)
            let environment = ["ORCHESTRION_CONNECT": "tcp://from-environment.invalid:1", "ORCHESTRION_INSECURE": "1"]
            let option = ["--connect", "tcp://from-option.invalid:1", "--insecure"]
            for (result, place) in [
                (try await status(), "from-file"), (try await status([], environment), "from-environment"),
                (try await status(option, environment), "from-option"),
            ] {
                #expect(result.ending == .exited(1), "\(result.report)")
                #expect(result.errorOutput.contains("there is no host \(place).invalid"), "\(result.report)")
            }
        }

        @Test func `what a file says of its coordinator does not hold for another`() async throws {
            try write(#"{"connect": "tcp://studio.invalid:1", "insecure": true}"#)
            let other = try await status(["--connect", "tcp://other.invalid:1"])
            #expect(other.ending == .exited(64) && other.errorOutput.contains("other.invalid:1 is another machine"))
            try write(#"{"connect": "tcp://studio.invalid:1", "server_key": "no-such-key", "key": "me"}"#)
            let here = try await status(["--connect", "tcp://127.0.0.1:9"])
            #expect(here.errorOutput.contains("nobody listens at 127.0.0.1:9"), "\(here.report)")
            let there = try await status(["--connect", "tcp://other.invalid:1"])
            #expect(there.errorOutput.contains("there is no host other.invalid"), "\(there.report)")
            try write(#"{"connect": "tcp://studio.invalid:1", "insecure": true}"#)
            let same = try await status(["--connect", "studio.invalid:1"])
            #expect(same.ending == .exited(1), "\(same.report)")
        }

        @Test func `a file that cannot be used is named with what is wrong in it`() async throws {
            for (text, words) in [
                (#"{"server-key": "x"}"#, "no setting server-key"), ("{", "client.json"),
                (#"{"connect": 5}"#, "connect"), (#"{"connect": "studio"}"#, "connect in \(file)"),
                (
                    #"{"connect": "tcp://127.0.0.1:1", "server_key": "x.pub", "key": "me"}"#,
                    "\(folder)/orchestrion/x.pub"
                ),
            ] {
                try write(text)
                let result = try await status()
                #expect(!result.succeeded && result.errorOutput.contains(words), "\(text): \(result.report)")
            }
            let missing = try await status([], ["ORCHESTRION_CONFIG": "\(folder)/none.json"])
            #expect(!missing.succeeded && missing.errorOutput.contains("none.json"), "\(missing.report)")
        }

        @Test func `a connection that is kept serves all commands, from any folder`() async throws {
            let keys = try TestFolder.make("kept")
            let state = "\(keys)/state"
            try await Orchestrion.succeed(["keys", "new", "\(keys)/me.key"])
            // Before the coordinator was ever started.
            let allowed = try await Orchestrion.succeed(
                ["keys", "allow", "--state", state, "\(keys)/me.key.pub", "--name", "me"])
            #expect(allowed.errorOutput.contains("coordinator.key.pub"), "\(allowed.report)")
            let endpoint = "\(keys)/endpoint"
            let coordinator = try Orchestrion.start(
                ["coordinator", "--listen", "tcp://127.0.0.1:0", "--secure", "--state", state]
                    + ["--endpoint-file", endpoint])
            try await wait(for: "the coordinator") {
                FileManager.default.fileExists(atPath: endpoint) || !coordinator.isRunning
            }
            let place = try String(contentsOfFile: endpoint, encoding: .utf8)
            let environment = ["XDG_CONFIG_HOME": "\(keys)/configuration"]
            let kept = try await Orchestrion.succeed(
                ["connect", place, "--server-key", "state/coordinator.key.pub", "--key", "me.key"],
                environment: environment, folder: keys)
            #expect(kept.output == "kept in \(keys)/configuration/orchestrion/client.json\n", "\(kept.report)")
            // It is tried as it is kept, without what was kept before; what does not work replaces nothing.
            let bare = try await Orchestrion.run(["connect", "tcp://192.0.2.1:5550"], environment: environment)
            #expect(bare.ending == .exited(64) && bare.errorOutput.contains("--server-key"), "\(bare.report)")
            let noPlace = try await Orchestrion.run(["connect", "studio"], environment: environment)
            #expect(noPlace.errorOutput.contains("the coordinator's address"), "\(noPlace.report)")
            let failed = try await Orchestrion.run(["connect", place, "--insecure"], environment: environment)
            #expect(failed.ending == .exited(1) && failed.errorOutput.contains("wants keys"), "\(failed.report)")
            let elsewhere = try TestFolder.make("elsewhere")
            let status = try await Orchestrion.succeed(["status"], environment: environment, folder: elsewhere)
            #expect(status.output.contains("No songs."))
            // A damaged file is in nobody's way who says all of it.
            let damaged = try TestFolder.place("damaged.json")
            try "{".write(toFile: damaged, atomically: true, encoding: .utf8)
            let all = ["--connect", place, "--server-key", "\(state)/coordinator.key.pub", "--key", "\(keys)/me.key"]
            try await Orchestrion.succeed(["status"] + all, environment: ["ORCHESTRION_CONFIG": damaged])
            let shown = try await Orchestrion.succeed(["keys", "show"], environment: environment, folder: elsewhere)
            #expect(shown.errorOutput.contains("\(keys)/me.key.pub"))
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.waitForEnd() == .exited(0))
        }
    }
}
