import Testing

@testable import Hosts

struct HostStateTests {
    private func answer(_ lines: [String]) throws -> HostAnswer {
        try HostAnswer(parsing: (["orchestrion-begin"] + lines + ["orchestrion-end"]).joined(separator: "\n"))
    }
    private let usual = [
        "dir=/home/me/.local/share/orchestrion/trio", "host=node1", "system=Linux", "arch=x86_64", "time=1000",
        "cores=4",
        "memory=1024", "disk=2048", "services=no",
    ]

    @Test func `a host says what it is`() throws {
        let state = try HostState(
            answer(usual + ["unit=worker-1 running abc 2", "unit=x; running abc 0"]), asked: (990, 990.4))
        #expect(state.architecture == "x86_64" && state.cores == 4 && state.memory == 1 << 20 && state.disk == 2 << 20)
        #expect(abs(state.clock - 10.3) < 0.01)
        #expect(state.units == [.init(name: "worker-1", state: .running, command: "abc", deaths: 2)])
    }

    @Test func `a clock within a second is the same`() throws {
        #expect(try HostState(answer(usual), asked: (1000, 1000.2)).clock == 0)
    }

    @Test(arguments: ["dir=relative", "host=a/b", "system=Darwin", "arch="])
    func `what makes no sense is refused`(line: String) throws {
        let answer = try answer(usual + [line])
        #expect(throws: HostFault.self) { try HostState(answer, asked: (0, 0)) }
    }
}

struct PayloadTests {
    private let file = Payload.File(
        path: "a b", source: "/x", size: 100, sha256: String(repeating: "0", count: 64), isProgram: false)

    @Test func `what is there is not sent again, and what is too long begins anew`() {
        let payload = Payload(files: [file])
        #expect(payload.missing([:]) == 100 && payload.missing(["a b": 40]) == 60 && payload.missing(["a b": 100]) == 0)
        #expect(payload.missing(["a b": 101]) == 100)
        #expect(Payload.offset(of: file, ["a b": 40]) == 40 && Payload.offset(of: file, ["a b": 101]) == 0)
    }

    @Test func `another content, name or mode is another digest`() {
        func digest(_ change: (inout Payload.File) -> Void) -> String {
            var file = file
            change(&file)
            return Payload(files: [file]).digest
        }
        let all = [
            digest { _ in }, digest { $0.path = "c" }, digest { $0.isProgram = true }, digest { $0.size = 1 },
            digest { $0.sha256 = String(repeating: "1", count: 64) },
        ]
        #expect(Set(all).count == all.count && digest { $0.source = "/elsewhere" } == all[0])
    }

    @Test func `the loader's list names what is brought, and not the C library`() throws {
        let libraries = try ProgramPayload.parse(
            loader: """
                \tlinux-vdso.so.1 (0x00007ffd)
                \tlibzmq.so.5 => /usr/lib/x y/libzmq.so.5 (0x00007f)
                \tlibc.so.6 => /lib/libc.so.6 (0x00007f)
                \t/lib64/ld-linux-x86-64.so.2 (0x00007f)
                """)
        #expect(libraries.map(\.name) == ["libzmq.so.5"] && libraries.map(\.path) == ["/usr/lib/x y/libzmq.so.5"])
        #expect(throws: HostFault.self) { try ProgramPayload.parse(loader: "\tlibzmq.so.5 => not found\n") }
    }
}
