import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// Options of coordinator, worker and gateway from command line, environment and file.
    struct ConfigurationTests {
        private struct Report: Decodable {
            struct Setting: Decodable, Equatable {
                var option: String
                var values: [String]
                var origin: String
                var place: String?
            }
            var command: String
            var file: String?
            var problem: String?
            var settings: [Setting]

            subscript(option: String) -> Setting? { settings.first { $0.option == option } }
        }

        private let folder: String

        init() throws { folder = try TestFolder.make("configuration") }

        private func write(_ text: String, _ name: String) throws -> String {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            return "\(folder)/\(name)"
        }

        private func show(
            _ command: String, _ more: [String] = [], environment: [String: String] = [:]
        ) async throws -> Report {
            let arguments = ["config", "show", "--json", "--command", command] + more
            let reports = try await Orchestrion.succeed(arguments, environment: environment).decode([Report].self)
            return try #require(reports.first)
        }

        @Test func `every option of help is in files and in the environment`() async throws {
            for command in ["coordinator", "worker", "gateway"] {
                let help = try await Orchestrion.succeed([command, "--help"]).output
                let named = Set(help.matches(of: /(?m)^  --([a-z0-9-]+)/).map { String($0.1) })
                    .subtracting(["version", "help", "config"])
                #expect(named.count > 10)
                let report = try await show(command)
                #expect(Set(report.settings.map(\.option)) == named)
                // Each can be set; what its value must be is another matter.
                func variable(_ option: String) -> String {
                    "ORCHESTRION_\(command)_\(option)".uppercased().replacingOccurrences(of: "-", with: "_")
                }
                let all = Dictionary(uniqueKeysWithValues: named.map { (variable($0), "true") })
                for setting in try await show(command, environment: all).settings {
                    #expect(
                        setting.values == ["true"] && setting.place == variable(setting.option), "\(setting.option)")
                }
            }
        }

        @Test func `no option is a secret itself`() async throws {
            let secret = /key|token|secret|password|credential/
            for command in ["coordinator", "worker", "gateway"] {
                let dump = try await Orchestrion.succeed([command, "--experimental-dump-help"]).output
                let object = try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any]
                let arguments = (object?["command"] as? [String: Any])?["arguments"] as? [[String: Any]] ?? []
                #expect(arguments.count > 10)
                for argument in arguments where argument["kind"] as? String == "option" {
                    let names = (argument["names"] as? [[String: String]] ?? []).compactMap { $0["name"] }
                    guard names.contains(where: { $0.firstMatch(of: secret) != nil }) else { continue }
                    #expect((argument["valueName"] as? String)?.contains("file") == true, "\(command) \(names)")
                }
            }
        }

        @Test func `the command line comes before the environment, and that before the file`() async throws {
            let file = try write("slots = 1\nthreads = 1\nname = 'of the file'\nlevels = '0'", "worker.toml")
            let environment = ["ORCHESTRION_WORKER_SLOTS": "2", "ORCHESTRION_WORKER_THREADS": "2"]
            let report = try await show(
                "worker", ["--config", file, "--", "--slots", "3"], environment: environment)
            #expect(report["slots"] == .init(option: "slots", values: ["3"], origin: "command-line"))
            #expect(
                report["threads"]
                    == .init(
                        option: "threads", values: ["2"], origin: "environment", place: "ORCHESTRION_WORKER_THREADS"))
            #expect(report["name"] == .init(option: "name", values: ["of the file"], origin: "file", place: file))
            #expect(report["profile"] == .init(option: "profile", values: ["f16"], origin: "default"))
            #expect(report["memory"]?.values == [] && report.file == file)
            let other = try await show("worker", environment: ["ORCHESTRION_WORKER_CONFIG": file])
            #expect(other["levels"]?.place == file)
        }

        @Test func `a worker reads its file, its environment and its command line`() async throws {
            let file = try write("connect = 'tcp://127.0.0.1:1'\nthreads = 1\nslots = 700", "worker.toml")
            let wrong = try await Orchestrion.run(["worker", "--config", file])
            #expect(wrong.ending == .exited(64), "\(wrong.report)")
            #expect(wrong.errorOutput.contains("--slots must be 1 to 256"), "\(wrong.report)")
            #expect(wrong.errorOutput.contains("--slots is set by \(file)"), "\(wrong.report)")
            let environment = ["ORCHESTRION_WORKER_CONFIG": file, "ORCHESTRION_WORKER_SLOTS": "3"]
            let worker = try Orchestrion.start(["worker", "--name", "here"], environment: environment)
            try await wait(for: "the worker's engine") { worker.errorOutput.contains("ready after") }
            #expect(worker.errorOutput.contains("with 3 slots, connects to tcp://127.0.0.1:1"), "\(worker.errorOutput)")
            worker.kill()
        }

        @Test func `a coordinator is started by its file alone`() async throws {
            let file = try write(
                """
                listen = "tcp://127.0.0.1:0"
                state = "\(folder)/state"
                models = ["\(folder)", "/"]
                endpoint-file = "\(folder)/endpoint"
                http = "127.0.0.1:0"
                http-name = ["one.example", "two.example"]
                log-format = "json"
                threads = 1
                """, "coordinator.toml")
            let coordinator = try Orchestrion.start(["coordinator", "--config", file])
            try await wait(for: "the coordinator to listen") {
                FileManager.default.fileExists(atPath: "\(folder)/endpoint") || !coordinator.isRunning
            }
            #expect(coordinator.isRunning, "\(coordinator.errorOutput)")
            #expect(coordinator.errorOutput.hasPrefix("{"), "\(coordinator.errorOutput)")
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.waitForEnd() == .exited(0))
        }

        @Test func `a file that changed is read again on SIGHUP`() async throws {
            let first =
                "listen = 'tcp://127.0.0.1:0'\nstate = '\(folder)/state'\nendpoint-file = '\(folder)/endpoint'\nthreads = 1\n"
            let file = try write(first, "coordinator.toml")
            let coordinator = try Orchestrion.start(["coordinator", "--config", file])
            func says(_ words: String) async throws {
                try await wait(for: words) {
                    try #require(coordinator.isRunning, "\(coordinator.errorOutput)")
                    return coordinator.errorOutput.contains(words)
                }
            }
            try await says("listens on")
            _ = try write(first + "log-level = 'debug'\nlease = 7", "coordinator.toml")
            try #require(coordinator.signal(SIGHUP))
            try await says("read its settings again: logs from debug on; --lease changed, which counts after a restart")
            _ = try write(first + "leese = 7", "coordinator.toml")
            try #require(coordinator.signal(SIGHUP))
            try await says("coordinator has no option leese; did you mean lease?")
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.waitForEnd() == .exited(0))
        }

        @Test func `an option that may be given several times may be given several times`() async throws {
            let given = [
                "--models", "/", "--models", folder, "--http-name", "a", "--http-name", "b", "--state", "\(folder)/s",
            ]
            let wrong = try await Orchestrion.run(["coordinator", "--lease", "9999", "--http", "127.0.0.1:0"] + given)
            #expect(wrong.errorOutput.contains("--lease must be"), "\(wrong.report)")
            let twice = try await Orchestrion.run(["coordinator", "--lease", "1", "--lease", "2"])
            #expect(twice.errorOutput.contains("--lease is given twice"), "\(twice.report)")
        }

        @Test func `unknown names are refused with the nearest one that exists`() async throws {
            let file = try write("slotts = 8", "worker.toml")
            for result in [
                try await Orchestrion.run(["worker", "--config", file]),
                try await Orchestrion.run(["config", "check", "--config", file]),
                try await Orchestrion.run(["config", "show", "--config", file]),
            ] {
                #expect(!result.succeeded, "\(result.report)")
                let all = result.output + result.errorOutput
                #expect(all.contains("\(file): worker has no option slotts; did you mean slots?"), "\(result.report)")
            }
            let variable = try await Orchestrion.run(["gateway"], environment: ["ORCHESTRION_GATEWAY_HTP": "x"])
            #expect(variable.ending == .exited(64), "\(variable.report)")
            #expect(variable.errorOutput.contains("did you mean $ORCHESTRION_GATEWAY_HTTP?"), "\(variable.report)")
            let missing = try await Orchestrion.run(["worker", "--config", "\(folder)/none.toml"])
            #expect(missing.errorOutput.contains("there is no file \(folder)/none.toml"), "\(missing.report)")
            // Help is there whatever the files are.
            try await Orchestrion.succeed(["worker", "--help", "--config", file])
        }

        @Test func `options that exclude each other are told with where they come from`() async throws {
            let file = try write("secure = true\nstate = '\(folder)/state'", "coordinator.toml")
            let check = ["config", "check", "--config", file, "--"]
            let both = try await Orchestrion.run(check + ["--insecure"])
            #expect(both.ending == .exited(1) && both.output.contains("--secure is set by \(file)"), "\(both.report)")
            try await Orchestrion.succeed(check + ["--no-secure", "--insecure"])
            try await Orchestrion.succeed(
                check + ["--insecure"], environment: ["ORCHESTRION_COORDINATOR_SECURE": "false"])
        }

        @Test func `how a coordinator is reached counts together`() async throws {
            let client = try write(#"{"connect": "tcp://127.0.0.1:4"}"#, "client.json")
            let file = try write("connect = 'tcp://127.0.0.1:3'", "worker.toml")
            let environment = [
                "ORCHESTRION_CONFIG": client, "ORCHESTRION_WORKER_CONFIG": file,
                "ORCHESTRION_CONNECT": "tcp://127.0.0.1:2", "ORCHESTRION_WORKER_CONNECT": "tcp://127.0.0.1:1",
            ]
            func reached(_ without: String..., given: [String] = []) async throws -> (String?, String?) {
                let rest = environment.merging(without.map { ($0, "") }) { $1 }
                let report = try await show("worker", given, environment: rest)
                return (report["connect"]?.values.first, report["connect"]?.place)
            }
            #expect(try await reached() == ("tcp://127.0.0.1:1", "ORCHESTRION_WORKER_CONNECT"))
            let second = try await reached("ORCHESTRION_WORKER_CONNECT")
            #expect(second == ("tcp://127.0.0.1:2", "ORCHESTRION_CONNECT"))
            let third = try await reached("ORCHESTRION_WORKER_CONNECT", "ORCHESTRION_CONNECT")
            #expect(third == ("tcp://127.0.0.1:3", file))
            let last = try await reached(
                "ORCHESTRION_WORKER_CONNECT", "ORCHESTRION_CONNECT", given: ["--config", "/dev/null"])
            #expect(last == ("tcp://127.0.0.1:4", client))
            // What the file says of a coordinator's keys is not said of another one.
            let open = try write("connect = 'tcp://studio.invalid:1'\ninsecure = true", "worker.toml")
            let other = ["config", "check", "--config", open, "--", "--connect", "tcp://other.invalid:1"]
            let refused = try await Orchestrion.run(other)
            #expect(refused.output.contains("other.invalid:1 is another machine"), "\(refused.report)")
            try await Orchestrion.succeed(["config", "check", "--config", open])
        }

        @Test func `the example files can be used`() async throws {
            let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Deploy/config").path
            for command in ["coordinator", "worker", "gateway"] {
                let result = try await Orchestrion.succeed([
                    "config", "check", "--config", "\(examples)/\(command).toml",
                ])
                #expect(result.output.contains("all can be used"), "\(result.report)")
            }
        }

        @Test func `a check of nothing says so, and one without a command asks for it`() async throws {
            let bare = Dictionary(
                uniqueKeysWithValues: ["COORDINATOR", "WORKER", "GATEWAY"].map { ("ORCHESTRION_\($0)_CONFIG", "") })
            // This machine may have files of its own.
            let nothing = try await Orchestrion.run(["config", "check"], environment: bare)
            #expect(nothing.output.contains("nothing is set") || nothing.output.contains("/etc/orchestrion"))
            let second = try write("connect = 'tcp://127.0.0.1:1'", "worker-second.toml")
            let named = try await Orchestrion.succeed(["config", "check", "--config", second])
            #expect(named.output.contains("worker  (file \(second)): 1 set"), "\(named.report)")
            let file = try write("", "settings.toml")
            let which = try await Orchestrion.run(["config", "check", "--config", file])
            #expect(which.ending == .exited(64) && which.errorOutput.contains("--command"), "\(which.report)")
        }
    }
}
