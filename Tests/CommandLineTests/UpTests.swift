import Foundation
import TestSupport
import Testing

extension CommandLines {
    /// `up`, `status`, `logs` and `down` with a program `ssh` that runs what it is told in a home for each host, here.
    struct UpTests {
        /// Hosts of a test. `off/HOST` cannot be reached; `cut/HOST` breaks the connection in the next long copy.
        private struct Hosts {
            let root: String
            let port: Int
            var file: String { "\(root)/a cluster's/duo.toml" }

            private static let ssh = """
                #!/bin/sh
                while [ $# -gt 0 ]; do
                    case $1 in
                        -o) shift 2 ;;
                        -O) exit 0 ;;
                        --) shift; break ;;
                        *) shift ;;
                    esac
                done
                host=$1
                root='ROOT'
                [ ! -e "$root/off/$host" ] || { echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255; }
                HOME=$root/homes/$host
                mkdir -p "$HOME"
                export HOME
                unset XDG_RUNTIME_DIR
                [ ! -d "$root/tools/$host" ] || PATH=$root/tools/$host:$PATH
                echo "Welcome to $host, have=fun"
                case $2 in
                    *'cat >'*)
                        echo x >>"$root/copies-$host"
                        if [ -e "$root/cut/$host" ]; then
                            case $2 in
                                *bin/orchestrion*) rm "$root/cut/$host"; head -c 1000000 | /bin/sh -c "$2"; exit 255 ;;
                            esac
                        fi ;;
                esac
                exec /bin/sh -c "$2"
                """

            init() throws {
                root = try TestFolder.make("up")
                for name in ["bin", "off", "cut", "homes", "a cluster's"] {
                    try FileManager.default.createDirectory(
                        atPath: "\(root)/\(name)", withIntermediateDirectories: true)
                }
                let script = Self.ssh.replacingOccurrences(of: "ROOT", with: root)
                try script.write(toFile: "\(root)/bin/ssh", atomically: true, encoding: .utf8)
                chmod("\(root)/bin/ssh", 0o755)
                port = try Self.freePort()
                try write("[[worker]]\nhost = \"node1\"\noptions = { threads = 1 }")
            }

            /// That nobody listens on just now.
            private static func freePort() throws -> Int {
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(descriptor) }
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let bound = withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                    }
                }
                guard bound else { throw TestSupportError("no port is free") }
                return Int(UInt16(bigEndian: address.sin_port))
            }

            func write(_ workers: String) throws {
                let text = """
                    start = "process"
                    [coordinator]
                    host = "studio"
                    address = "127.0.0.1"
                    listen = "127.0.0.1"
                    port = \(port)
                    \(workers)
                    """
                try text.write(toFile: file, atomically: true, encoding: .utf8)
            }

            func run(_ arguments: String...) async throws -> Orchestrion.Result {
                let path = "\(root)/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
                return try await Orchestrion.run(arguments, environment: ["PATH": path])
            }

            /// A host has another program of a name than others.
            func tool(_ name: String, on host: String, _ script: String) throws {
                let folder = "\(root)/tools/\(host)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try "#!/bin/sh\n\(script)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
                chmod("\(folder)/\(name)", 0o755)
            }

            func touch(_ name: String) throws {
                try "".write(toFile: "\(root)/\(name)", atomically: true, encoding: .utf8)
            }
            func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(root)/\(name)") }

            func copies(_ host: String) -> Int {
                let text = FileManager.default.contents(atPath: "\(root)/copies-\(host)") ?? Data()
                return text.filter { $0 == UInt8(ascii: "\n") }.count
            }
        }

        @Test func `a cluster comes up though a host is off and a copy is cut, is left alone then, and goes down`()
            async throws
        {
            let hosts = try Hosts()
            try hosts.touch("off/node1")
            let first = try await hosts.run("up", hosts.file, "--wait", "300")
            try await withStop(hosts) {
                #expect(
                    first.ending == .exited(1) && first.errorOutput.contains("node1: it cannot be reached"),
                    "\(first.report)")
                #expect(first.errorOutput.contains("studio: coordinator is started"), "\(first.report)")

                try hosts.remove("off/node1")
                try hosts.touch("cut/node1")
                let cut = try await hosts.run("up", hosts.file)
                #expect(cut.ending == .exited(1) && cut.errorOutput.contains("node1: ssh failed"), "\(cut.report)")
                let before = hosts.copies("node1")
                let second = try await hosts.run("up", hosts.file)
                #expect(
                    second.succeeded && second.errorOutput.contains("node1: worker-1 is started"), "\(second.report)")
                #expect(!second.errorOutput.contains("studio: coordinator is started"), "\(second.report)")
                // What had come was not sent again, but for the file that was cut, which went on.
                #expect(before > 0 && hosts.copies("node1") > before)

                let (studio, node) = (hosts.copies("studio"), hosts.copies("node1"))
                let third = try await hosts.run("up", hosts.file, "--json")
                #expect(third.succeeded && third.output.contains("\"good\" : true"), "\(third.report)")
                #expect(!third.errorOutput.contains("is started"), "\(third.report)")
                #expect(hosts.copies("studio") == studio && hosts.copies("node1") == node)

                let status = try await hosts.run("status", hosts.file)
                #expect(status.succeeded && status.output.contains("node1   worker"), "\(status.report)")
                let logs = try await hosts.run("logs", "node1", hosts.file)
                #expect(logs.succeeded && logs.output.contains("is welcome"), "\(logs.report)")
            }
            let down = try await hosts.run("down", hosts.file)
            #expect(down.succeeded && down.output.contains("stopped"), "\(down.report)")
            let after = try await hosts.run("status", hosts.file)
            #expect(after.ending == .exited(1) && after.output.contains("does not run"), "\(after.report)")
        }

        /// Nothing is left behind by a test that fails.
        private func withStop(_ hosts: Hosts, _ body: () async throws -> Void) async throws {
            do { try await body() } catch {
                _ = try? await hosts.run("down", hosts.file, "--grace", "5")
                throw error
            }
        }

        @Test func `a damaged copy is not started, and is sent again`() async throws {
            let hosts = try Hosts()
            try await withStop(hosts) {
                let first = try await hosts.run("up", hosts.file)
                #expect(first.succeeded, "\(first.report)")
                let folder = "\(hosts.root)/homes/node1/.local/share/orchestrion/duo/versions"
                let version = try #require(
                    try FileManager.default.contentsOfDirectory(atPath: folder).first { !$0.hasPrefix(".") })
                let file = "\(folder)/\(version)/share/orchestrion/music-box/hparams.json"
                try "{}".write(toFile: file, atomically: true, encoding: .utf8)
                let second = try await hosts.run("up", hosts.file)
                #expect(
                    second.succeeded && second.errorOutput.contains("node1: the program is there"), "\(second.report)")
                #expect(try String(contentsOfFile: file, encoding: .utf8).count > 10)
            }
            #expect(try await hosts.run("down", hosts.file).succeeded)
        }

        @Test(arguments: [
            ("[[worker]]\nhost = \"node1\"\noptions = { slotz = 4 }", "did you mean slots?"),
            ("[[worker]]\nhost = \"node1\"\noptions = { slots = 4000 }", "1 to 256"),
            ("[[worker]]\nhoost = \"node1\"", "did you mean host?"),
        ])
        func `a file that cannot be used is refused before any host is asked`(workers: String, words: String)
            async throws
        {
            let hosts = try Hosts()
            try hosts.write(workers)
            let result = try await hosts.run("up", hosts.file)
            #expect(result.ending == .exited(64) && result.errorOutput.contains(words), "\(result.report)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(hosts.root)/homes").isEmpty)
        }

        @Test func `two names of one machine are told, and a folder of another cluster is left alone`() async throws {
            let hosts = try Hosts()
            // The same home under two names.
            try FileManager.default.createDirectory(
                atPath: "\(hosts.root)/homes/node1", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(hosts.root)/homes/node2", withDestinationPath: "\(hosts.root)/homes/node1")
            let folder = "\(hosts.root)/homes/studio/.local/share/orchestrion/duo"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try hosts.write("[[worker]]\nhosts = [\"node1\", \"node2\"]")
            let mine = "\(hosts.root)/homes/node1/.local/share/orchestrion/duo"
            try FileManager.default.createDirectory(atPath: mine, withIntermediateDirectories: true)
            try "others 1234\n".write(toFile: "\(mine)/cluster", atomically: true, encoding: .utf8)
            let result = try await hosts.run("up", hosts.file)
            #expect(result.ending == .exited(1), "\(result.report)")
            #expect(result.output.contains("node2: it is the same machine and folder as node1"), "\(result.report)")
            #expect(
                result.output.contains("node1: its folder") && result.output.contains("another cluster"),
                "\(result.report)")
            #expect(try await hosts.run("down", hosts.file).ending == .exited(1))
        }

        @Test func `another kind of machine, a full disk and a wrong clock are told, and the rest comes up`()
            async throws
        {
            let hosts = try Hosts()
            try hosts.write("[[worker]]\nhosts = [\"node1\", \"node2\", \"studio\"]\noptions = { threads = 1 }")
            try hosts.tool("uname", on: "node1", "[ \"$1\" = -m ] && echo riscv64 || exec /bin/uname \"$@\"")
            try hosts.tool("df", on: "node2", "echo head; echo '/dev/x 1000000 900000 100000  90% /'")
            try hosts.tool(
                "date", on: "studio", "[ \"$1\" = +%s ] && echo $(($(/bin/date +%s) + 3650)) || exec /bin/date \"$@\"")
            let result = try await hosts.run("up", hosts.file, "--json")
            let down = try await hosts.run("down", hosts.file)
            #expect(result.ending == .exited(1), "\(result.report)")
            for words in [
                "node1: it is riscv64, and the program is for", "node2: there is no room for it", "97 MiB are free",
                "studio: warning: its clock is 36", "studio: worker-1 is started",
            ] {
                #expect(result.errorOutput.contains(words), "\(words): \(result.report)")
            }
            #expect(down.succeeded, "\(down.report)")
        }
    }
}
