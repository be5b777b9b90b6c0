import Foundation
import Spawning
import Testing

@testable import Hosts

struct ShellTests {
    @Test(arguments: ["plain", "a b", "it's", "$(reboot)", "`x` \\ \"y\" ! * ~", "ü ♪", "", "'", "-n"])
    func `a quoted word comes through a shell as it is`(word: String) throws {
        let shell = try Conversation(["/bin/sh", "-c", "printf '%s|' \(ShellWord.quoted(word))"])
        let said = try shell.finish(bound: .seconds(60), stall: .seconds(60), most: 1000, next: { nil })
        #expect(said.code == 0 && said.output == "\(word)|")
    }

    @Test func `an answer is what stands between its marks, whatever a login shell says before`() throws {
        let answer = try HostAnswer(
            parsing: "Welcome!\nhave=9\norchestrion-begin\nhave=5 a=b\nhave=6 c\nsize=12\norchestrion-end\nbye\n")
        #expect(answer.all("have") == ["5 a=b", "6 c"] && answer.count("size") == 12 && answer["none"] == nil)
    }

    @Test(arguments: [
        ("", "not whole"), ("orchestrion-begin\na=1\n", "not whole"), ("a=1\norchestrion-end\n", "not whole"),
        ("orchestrion-begin\nfault=no room\norchestrion-end\n", "no room"),
    ])
    func `an answer that was cut or says a fault is an error`(output: String, words: String) {
        let fault = #expect(throws: HostFault.self) { try HostAnswer(parsing: output) }
        #expect(fault?.description.contains(words) == true)
    }

    @Test(arguments: ["-1", "+1", "1e9", "", " 1", "99999999999999999999", "9223372036854775807", "0x10"])
    func `what is no count is none`(text: String) { #expect(HostAnswer.count(text) == nil) }

    @Test(arguments: [
        ("Host key verification failed.", "ssh node1"),
        ("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "ssh-keygen -R"),
        ("me@node1: Permission denied (publickey,password).", "ssh-copy-id node1"),
        ("ssh: Could not resolve hostname node1: Name or service not known", "~/.ssh/config"),
        ("ssh: connect to host node1 port 22: Connection refused", "cannot be reached"),
        ("ssh: connect to host node1 port 22: Connection timed out", "cannot be reached"),
    ])
    func `what ssh says is told with what to do about it`(said: String, words: String) {
        #expect(HostFault(ssh: "node1", code: 255, said: said).description.contains(words))
    }

    @Test func `control characters of a host do not reach a terminal`() throws {
        let answer = try HostAnswer(parsing: "orchestrion-begin\nversion=\u{1B}[2Jx\u{7}\norchestrion-end\n")
        #expect(answer["version"] == "[2Jx")
        #expect(!HostFault(ssh: "a", code: 255, said: "\u{1B}]0;x\u{7}no").description.contains("\u{1B}"))
    }

    @Test func `a child that says nothing is ended in time, and so is one that says too much`() throws {
        let silent = try Conversation(["sleep", "600"])
        #expect(throws: HostFault.self) {
            try silent.finish(bound: .milliseconds(300), stall: .seconds(60), most: 10, next: { nil })
        }
        let loud = try Conversation(["yes"])
        #expect(throws: HostFault.self) {
            try loud.finish(bound: .seconds(60), stall: .seconds(60), most: 100_000, next: { nil })
        }
    }

    @Test func `one that takes no more is no end of this program`() throws {
        var left = 100
        let deaf = try Conversation(["/bin/sh", "-c", "exit 3"])
        let ended = try deaf.finish(bound: .seconds(60), stall: .seconds(60), most: 10) {
            left -= 1
            return left > 0 ? [UInt8](repeating: 0, count: 100_000) : nil
        }
        #expect(ended.code == 3)
    }

    @Test func `a word of systemd's command line is quoted in its own way`() {
        #expect(UserService.quoted("/a b/50%\"$x\\") == "\"/a b/50%%\\\"$$x\\\\\"")
    }
}
