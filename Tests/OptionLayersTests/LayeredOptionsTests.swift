import Foundation
import OptionLayers
import Testing

struct LayeredOptionsTests {
    @Test func `command line, environment and file count in this order`() throws {
        let below = try [
            environment(["ORCHESTRION_WORKER_SLOTS": "2", "ORCHESTRION_WORKER_LEASE": "3"]),
            file("slots = 1\nlease = 1\nmodel = ['a']\nsecure = true"),
        ]
        let options = try LayeredOptions(table, arguments: ["--slots", "9"], below: below)
        #expect(options["slots"] == .init(.text("9"), .commandLine))
        #expect(options["lease"] == .init(.text("3"), .environment("ORCHESTRION_WORKER_LEASE")))
        #expect(options["model"] == .init(.list(["a"]), .file("worker.toml")))
        #expect(options["http-name"] == nil)
        #expect(options.arguments() == ["--model=a", "--secure", "--lease=3", "--slots", "9"])
    }

    @Test func `a list counts whole`() throws {
        let below = try file("model = ['a', 'b']\nhttp-name = ['x', 'y']")
        #expect(try arguments([], below) == ["--http-name=x", "--http-name=y", "--model=a", "--model=b"])
        #expect(
            try arguments(["-m", "c", "--model=d"], below) == [
                "--http-name=x", "--http-name=y", "-m", "c", "--model=d",
            ])
        #expect(
            try arguments([], environment(["ORCHESTRION_WORKER_MODEL": "[]"]), below) == [
                "--http-name=x", "--http-name=y",
            ])
    }

    @Test func `switches are taken back`() throws {
        let below = try file("secure = true\ncolour = true")
        #expect(try arguments([], below) == ["--secure", "--colour"])
        // The parser knows --no-colour, and knows no --no-secure.
        #expect(try arguments(["--no-secure", "--no-colour"], below) == ["--no-colour"])
        let above = try environment(["ORCHESTRION_WORKER_SECURE": "0", "ORCHESTRION_WORKER_COLOUR": "0"])
        #expect(try arguments([], above, below) == ["--no-colour"])
        #expect(try arguments(["--secure"], above, below) == ["--no-colour", "--secure"])
    }

    @Test func `values may look like options`() throws {
        #expect(try arguments([], file("slots = -8\nmodel = '--secure'")) == ["--slots=-8", "--model=--secure"])
        let given = ["--slots", "8", "--", "--slots", "9"]
        #expect(try arguments(given, file("slots = 1")) == given)
        let value = try LayeredOptions(table, arguments: ["--model", "--slots"], below: [file("slots = 1")])
        #expect(value["slots"]?.origin == .file("worker.toml"))
    }

    @Test func `options may be put together by others`() throws {
        let options = try LayeredOptions(table, arguments: [], below: [file("slots = 1\nlease = 2")])
        #expect(options.arguments(apart: ["slots"]) == ["--lease=2"])
    }

    @Test func `an error is told with where its options come from`() throws {
        let options = try LayeredOptions(
            table, arguments: ["--lease", "7"], below: [file("slots = 1\nsecure = true\nlease = 1")])
        let told = options.origins(in: "--slots must be 2, --secure-thing and --lease too")
        #expect(told.map(\.option) == ["slots"] && told.first?.origin == .file("worker.toml"))
    }

    @Test func `what the parser says of a command becomes its options`() throws {
        let help = #"""
            {"serializationVersion": 0, "command": {"commandName": "worker", "arguments": [
              {"kind": "positional", "shouldDisplay": true, "isOptional": true, "isRepeating": false, "valueName": "song"},
              {"kind": "option", "shouldDisplay": true, "isOptional": true, "isRepeating": true, "valueName": "dir",
               "names": [{"kind": "long", "name": "model"}, {"kind": "short", "name": "m"}],
               "preferredName": {"kind": "long", "name": "model"}, "defaultValue": "x"},
              {"kind": "option", "shouldDisplay": false, "isOptional": true, "isRepeating": false,
               "names": [{"kind": "long", "name": "engine"}]},
              {"kind": "flag", "shouldDisplay": true, "isOptional": true, "isRepeating": false,
               "names": [{"kind": "long", "name": "colour"}]},
              {"kind": "flag", "shouldDisplay": true, "isOptional": true, "isRepeating": false,
               "names": [{"kind": "long", "name": "no-colour"}]},
              {"kind": "flag", "shouldDisplay": true, "isOptional": true, "isRepeating": false,
               "names": [{"kind": "short", "name": "h"}, {"kind": "long", "name": "help"}],
               "preferredName": {"kind": "long", "name": "help"}}]}}
            """#
        let read = try OptionTable(command: "worker", help: .init(help.utf8))
        #expect(read.options.map(\.name) == ["model", "colour"])
        #expect(read["model"]?.isRepeatable == true && read["model"]?.spellings == ["--model", "-m"])
        #expect(read["colour"]?.isFlag == true && read["colour"]?.negations == ["--no-colour"])
    }
}
