import Foundation
import Spawning

/// The system's ssh, with the user's own settings of it. Hosts share a connection each for all that is asked of them.
package struct SecureShell: Sendable {
    /// As ssh takes it: an alias, HOST, USER@HOST, or ssh://USER@HOST:PORT.
    package let host: String
    private let control: ControlFolder

    /// Seconds that a connection may take to be made.
    private static let connectSeconds = 20
    /// Bytes of an answer. What is longer is none of ours.
    private static let mostOutput = 8 << 20

    package init(host: String, control: ControlFolder) { (self.host, self.control) = (host, control) }

    /// The script of `scripts/host.sh`.
    private static let functions = String(decoding: PackageResources.host_sh, as: UTF8.self)

    private var options: [String] {
        [
            "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=\(Self.connectSeconds)", "-o", "ServerAliveInterval=5",
            "-o", "ServerAliveCountMax=6", "-o", "ControlMaster=auto", "-o", "ControlPath=\(control.path)/%C", "-o",
            "ControlPersist=60",
        ]
    }

    /// Asks a function of the script.
    ///
    /// - Parameters:
    ///   - bound: for all of it; what takes longer is ended.
    /// - Throws: `HostFault`.
    package func ask(
        _ function: String, _ variables: [(name: String, value: String)], bound: Duration = .seconds(60)
    ) throws -> HostAnswer {
        let script = ShellWord.assignments(variables) + Self.functions + "\n\(function)\n"
        var input = Optional(Array(script.utf8))
        let (code, output, said) = try run("exec /bin/sh", bound: bound, stall: bound) {
            defer { input = nil }
            return input
        }
        guard code == 0 || output.contains("orchestrion-begin") else {
            throw HostFault(ssh: host, code: code, said: said)
        }
        do { return try HostAnswer(parsing: output) } catch let fault as HostFault where code != 0 {
            throw code == 255 ? HostFault(ssh: host, code: code, said: said) : fault
        }
    }

    /// Appends to a file, or begins it anew.
    ///
    /// - Parameters:
    ///   - path: there, absolute.
    ///   - next: the next bytes; nil at the end.
    /// - Throws: `HostFault`, and what `next` throws. What came until then stays.
    package func put(_ path: String, isNew: Bool, next: () throws -> [UInt8]?) throws {
        // One line, in which no shell finds anything to replace.
        let shell = "exec /bin/sh -c 'umask 077; exec cat \(isNew ? ">" : ">>")\"$1\"' sh \(ShellWord.quoted(path))"
        let (code, _, said) = try run(shell, bound: .seconds(86_400), stall: .seconds(60), next: next)
        guard code == 0 else {
            guard code != 255 else { throw HostFault(ssh: host, code: code, said: said) }
            throw HostFault("\(path) cannot be written there: \(HostFault.plain(said))")
        }
    }

    /// What ssh itself makes of the host's name: its address, as its settings have it.
    package func address() -> (name: String, isBehindOther: Bool)? {
        let spawned = try? Conversation(["ssh", "-G", "--", host])
        guard
            let (code, output, _) = try? spawned?.finish(
                bound: .seconds(10), stall: .seconds(10), most: 1 << 20, next: { nil }),
            code == 0
        else { return nil }
        func setting(_ name: String) -> String? {
            output.split(separator: "\n").first { $0.hasPrefix(name + " ") }.map {
                String($0.dropFirst(name.count + 1))
            }
        }
        let jumps = [setting("proxyjump"), setting("proxycommand")].contains { $0 != nil && $0 != "none" }
        return setting("hostname").map { ($0, jumps) }
    }

    private func run(
        _ command: String, bound: Duration, stall: Duration, next: () throws -> [UInt8]?
    ) throws -> (code: Int32, output: String, said: String) {
        let conversation = try Conversation(["ssh"] + options + ["--", host, command])
        return try conversation.finish(bound: bound, stall: stall, most: Self.mostOutput, next: next)
    }

    /// Ends the connection that was kept.
    package func close() {
        guard let end = try? Conversation(["ssh"] + options + ["-O", "exit", "--", host]) else { return }
        _ = try? end.finish(bound: .seconds(5), stall: .seconds(5), most: 1 << 16, next: { nil })
    }
}

/// Where ssh keeps the sockets of its connections. Their names are bounded, so it is a short one.
package final class ControlFolder: Sendable {
    package let path: String

    /// - Throws: `HostFault`.
    package init() throws {
        var template = Array(("/tmp/orchestrion-" + String(repeating: "X", count: 6)).utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) else {
            throw HostFault("no folder can be made in /tmp: \(String(cString: strerror(errno)))")
        }
        path = String(cString: made)
    }

    deinit { remove() }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
