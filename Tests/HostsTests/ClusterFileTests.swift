import Foundation
import Hosts
import OptionLayers
import Testing

struct ClusterFileTests {
    private static let coordinator = OptionTable(
        command: "coordinator",
        options: [.init(name: "quota"), .init(name: "listen"), .init(name: "insecure", isFlag: true)])
    private static let worker = OptionTable(
        command: "worker",
        options: [
            .init(name: "slots"), .init(name: "threads"), .init(name: "preset"), .init(name: "profile"),
            .init(name: "name"),
        ])

    private func read(_ text: String) throws -> ClusterFile {
        try ClusterFileReader(path: "/home/me/my trio.toml", coordinator: Self.coordinator, worker: Self.worker)
            .read(Data(text.utf8))
    }

    private static let least = "[coordinator]\nhost = \"studio\"\n[[worker]]\nhost = \"node1\"\n"

    @Test func `two hosts are enough, and all else has a default`() throws {
        let file = try read(Self.least)
        #expect(file.name == "my-trio" && file.folder == "~/.local/share/orchestrion/my-trio")
        #expect(file.model == .musicBox && file.program == nil && file.start == .auto)
        #expect(
            file.coordinator.port == 5550 && file.coordinator.listen == "0.0.0.0" && file.coordinator.address == nil)
        #expect(file.hosts == ["studio", "node1"])
        #expect(file.workers(on: "node1").map(\.unit) == ["worker-1"] && file.workers(on: "studio").isEmpty)
    }

    @Test func `options become arguments, and workers of one host are numbered through`() throws {
        let file = try read(
            """
            name = "band"
            model = "models/1b"
            profile = "int8"
            [coordinator]
            host = "me@studio"
            port = 6000
            options = { quota = "500G" }
            [[worker]]
            hosts = ["a", "b"]
            count = 2
            options = { slots = 4 }
            [[worker]]
            host = "b"
            """)
        #expect(file.model == .here("/home/me/models/1b") && file.modelOptions == ["--profile=int8"])
        #expect(file.coordinator.options == ["--quota=500G"] && file.hosts == ["me@studio", "a", "b"])
        #expect(file.workers(on: "b").map(\.unit) == ["worker-1", "worker-2", "worker-3"])
        #expect(file.workers(on: "b").map(\.options) == [["--slots=4"], ["--slots=4"], []])
    }

    @Test(arguments: [
        ("modle = \"x\"\n" + least, "did you mean model?"),
        ("[coordinator]\nhost = \"a\"\nprot = 1\n[[worker]]\nhost = \"b\"", "did you mean port?"),
        ("[coordinator]\nhost = \"a\"", "[[worker]]"), ("[[worker]]\nhost = \"a\"", "[coordinator]"),
        ("[coordinator]\n[[worker]]\nhost = \"b\"", "host is missing"),
        ("[coordinator]\nhost = \"-oProxyCommand=x\"\n[[worker]]\nhost = \"b\"", "as ssh takes it"),
        ("[coordinator]\nhost = \"a b\"\n[[worker]]\nhost = \"b\"", "as ssh takes it"),
        ("[coordinator]\nhost = \"a;reboot\"\n[[worker]]\nhost = \"b\"", "as ssh takes it"),
        ("[coordinator]\nhost = \"a\"\nport = 99999\n[[worker]]\nhost = \"b\"", "1 to 65535"),
        ("[coordinator]\nhost = \"a\"\naddress = \"tcp://a:1\"\n[[worker]]\nhost = \"b\"", "address is"),
        ("[coordinator]\nhost = \"a\"\n[[worker]]\nhost = \"b\"\ncount = 0", "1 to 64"),
        ("[coordinator]\nhost = \"a\"\n[[worker]]\nhost = \"b\"\noptions = { slotz = 1 }", "did you mean slots?"),
        ("[coordinator]\nhost = \"a\"\n[[worker]]\nhost = \"b\"\noptions = { name = \"x\" }", "set by itself"),
        ("[coordinator]\nhost = \"a\"\noptions = { insecure = true }\n[[worker]]\nhost = \"b\"", "set by itself"),
        ("folder = \"here\"\n" + least, "whole path"), ("folder = \"/srv/../etc\"\n" + least, "whole path"),
        ("name = \"a/b\"\n" + least, "letters, digits and dashes"),
        ("start = \"cron\"\n" + least, "auto, service, process"),
        ("model = \"a\"\nmodel-on-hosts = \"/b\"\n" + least, "write one of them"), ("host = ", "line 1"),
    ])
    func `what cannot be used is refused with what to write`(text: String, words: String) {
        let error = #expect(throws: SettingError.self) { try read(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
