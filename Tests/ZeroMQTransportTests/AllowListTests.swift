import ClusterProtocol
import Foundation
import Testing
import ZeroMQTransport

/// Lists as people make them: with editors, `cat` and `echo`.
@Suite struct AllowListTests {
    private let keys: [String]

    init() throws { keys = try (0..<3).map { _ in try CurveKeyPair.generate().publicKey.z85 } }

    private func list(_ text: String) -> AllowList { AllowList(parsing: text, from: "allowed-keys") }

    @Test func `the form of a public key's file is taken as it is, in any mixture`() throws {
        let (a, b, c) = (keys[0], keys[1], keys[2])
        for text in [
            "public-key = \(a)\npublic-key = \(b)\n\(c)\n", "# list\n\n\(a) one\npublic-key = \(b)\n\npublic-key=\(c)",
            "\(a)\r\npublic-key = \(b)\r\n\r\n\(c) three\r\n", "\u{FEFF}\(a)\n\(b)\n\tpublic-key =\t\(c)  name\n",
            // The line before what was appended had no end.
            "\(a)public-key = \(b)\npublic-key = \(c)\n", "\(a) onepublic-key = \(b)\n\(c)",
            "public-key = \(a)public-key = \(b)public-key = \(c)",
        ] {
            #expect(list(text).keys.map(\.z85).sorted() == keys.sorted(), "\(text)")
            #expect(list(text).faults.isEmpty, "\(text)")
        }
    }

    @Test func `a line says what its key is for, and one that does not is an admin's`() throws {
        let (a, b, c) = (keys[0], keys[1], keys[2])
        let text = "\(a) role=worker box 1\npublic-key = \(b) role=client,worker\n\(c) anna\n"
        let read = list(text)
        #expect(read.entries.map(\.roles) == [.worker, [.client, .worker], .admin] && read.faults.isEmpty)
        #expect(read.entries.map(\.name) == ["box 1", nil, "anna"])
        #expect(read.entries.map(\.line) == ["\(a) role=worker box 1", "\(b) role=worker,client", "\(c) anna"])
        // Who stands there twice may do what either line says; nobody gets in by a word that is no role.
        let twice = list("\(a) role=worker\n\(a) role=client\n\(b) role=root\n")
        #expect(twice.roles.count == 1 && twice.roles.values.first == [.worker, .client])
        #expect(twice.faults.count == 1 && twice.faults[0].contains("role=root is none"))
    }

    @Test func `a bad line is named with its number, lets nobody in, and the others count`() throws {
        let (a, b) = (keys[0], keys[1])
        for (bad, words) in [
            ("nonsense", "8 characters"), ("public-key = short", "5 characters"), ("public-key =", "missing"),
            ("secret-key = \(b)", "secret"), ("# note of mine.public-key = \(b)", "new line"),
            (String(b.dropLast()), "39 characters"), ("\(b)x", "41 characters"),
        ] {
            let list = list("\(a)\n\(bad)\n\(keys[2]) three\n")
            #expect(list.keys.map(\.z85).sorted() == [a, keys[2]].sorted(), "\(bad)")
            #expect(list.faults.count == 1 && list.faults[0].hasPrefix("allowed-keys, line 2: "), "\(list.faults)")
            #expect(list.faults.first?.contains(words) == true, "\(list.faults)")
            if bad.hasPrefix("secret") { #expect(!list.faults[0].contains(b)) }
        }
    }

    @Test func `a key in a comment is none`() throws {
        for text in ["# \(keys[0])", "#public-key = \(keys[0])", "# public-key = \(keys[0])", "#\(keys[0]) old"] {
            #expect(list(text).keys.isEmpty && list(text).faults.isEmpty, "\(text)")
        }
    }
}
