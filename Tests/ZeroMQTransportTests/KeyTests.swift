import Foundation
import Testing
import ZeroMQTransport

@Suite struct KeyTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String = UUID().uuidString) -> String { folder.appending(path: name).path }

    private func write(_ text: String, mode: Int = 0o600) throws -> String {
        let path = path()
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    @Test func `new pairs differ, and each secret belongs to its key`() throws {
        let (one, two) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        #expect(one.publicKey != two.publicKey)
        #expect(one.secretKey != two.secretKey)
        #expect(
            try CurveKeyPair(publicKey: one.publicKey, secretKey: one.secretKey).publicKey == one.publicKey)
        #expect { try CurveKeyPair(publicKey: one.publicKey, secretKey: two.secretKey) } throws: {
            "\($0)".contains("does not belong") && !"\($0)".contains(two.secretKey)
        }
    }

    @Test func `a secret does not get into a text by accident`() throws {
        let pair = try CurveKeyPair.generate()
        var dumped = ""
        dump(pair, to: &dumped)
        for text in ["\(pair)", String(reflecting: pair), dumped, "\([pair])", "\(Optional(pair) as Any)"] {
            #expect(!text.contains(pair.secretKey))
        }
    }

    @Test func `what is not 40 characters of Z85 is no key`() throws {
        let good = try CurveKeyPair.generate().publicKey.z85
        #expect(try CurvePublicKey(z85: good).z85 == good)
        for bad in [
            "", String(good.dropLast()), good + "0", good.dropLast() + " ", good.dropLast() + "\"",
            good.dropLast() + "é",
            String(repeating: "#", count: 40),
        ] {
            #expect(throws: ZeroMQError.self) { try CurvePublicKey(z85: String(bad)) }
        }
    }

    @Test func `key files are written and read`() throws {
        let pair = try CurveKeyPair.generate()
        let (secret, open) = (path(), path())
        try KeyFile.write(pair, to: secret)
        try KeyFile.write(pair.publicKey, to: open)
        let read = try KeyFile.readPair(secret)
        #expect(read.publicKey == pair.publicKey)
        #expect(read.secretKey == pair.secretKey)
        #expect(try KeyFile.readPublicKey(secret) == pair.publicKey)
        #expect(try KeyFile.readPublicKey(open) == pair.publicKey)
        #expect(try !String(contentsOfFile: open, encoding: .utf8).contains(pair.secretKey))
        let mode = try FileManager.default.attributesOfItem(atPath: secret)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `keys that exist are not overwritten`() throws {
        let pair = try CurveKeyPair.generate()
        let path = path()
        try KeyFile.write(pair, to: path)
        #expect { try KeyFile.write(CurveKeyPair.generate(), to: path) } throws: {
            "\($0)".contains("exists already")
        }
        #expect { try KeyFile.write(pair.publicKey, to: path) } throws: { "\($0)".contains("exists already") }
        #expect(try KeyFile.readPair(path).secretKey == pair.secretKey)
    }

    @Test func `a credential of systemd may be read by the service's group, and by nobody else`() throws {
        let pair = try CurveKeyPair.generate()
        let text = "public-key = \(pair.publicKey)\nsecret-key = \(pair.secretKey)\n"
        let (group, others) = (try write(text, mode: 0o440), try write(text, mode: 0o444))
        let folder = URL(fileURLWithPath: group).deletingLastPathComponent().path
        #expect { try KeyFile.readPair(group) } throws: { "\($0)".contains("chmod 600") }
        setenv("CREDENTIALS_DIRECTORY", folder, 1)
        defer { unsetenv("CREDENTIALS_DIRECTORY") }
        #expect(try KeyFile.readPair(group).secretKey == pair.secretKey)
        #expect { try KeyFile.readPair(others) } throws: { "\($0)".contains("chmod 600") }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660, 0o610])
    func `a secret that others can use is refused`(_ mode: Int) throws {
        let pair = try CurveKeyPair.generate()
        let path = try write("public-key = \(pair.publicKey)\nsecret-key = \(pair.secretKey)\n", mode: mode)
        #expect { try KeyFile.readPair(path) } throws: { "\($0)".contains("chmod 600 \(path)") }
        #expect(try KeyFile.readPublicKey(path) == pair.publicKey)
    }

    @Test func `files that are no key files are refused with their name and the line`() throws {
        let pair = try CurveKeyPair.generate()
        let line = "public-key = \(pair.publicKey)"
        for (text, reason) in [
            ("", "no public-key"), ("hello", "line 1"), ("\(line)\n\(line)", "line 2: a second"),
            ("\(line)\nother = 1", "line 2"), ("public-key = short", "40"), (line, "no secret-key"),
            ("\(line)\nsecret-key = short", "40"),
            ("\(line)\nsecret-key = \(pair.publicKey)", "does not belong"),
        ] {
            let path = try write(text)
            #expect { try KeyFile.readPair(path) } throws: {
                "\($0)".hasPrefix(path) && "\($0)".contains(reason)
            }
        }
        #expect { try KeyFile.readPair(folder.path) } throws: { "\($0)".contains("not a file") }
        #expect { try KeyFile.readPair(path("absent")) } throws: { "\($0)".contains("No such file") }
    }

    @Test func `an allow list has keys, names and comments`() throws {
        let keys = try (0..<3).map { _ in try CurveKeyPair.generate().publicKey }
        let text = """
            # workers
            \(keys[0])
            \t\(keys[1])\t the big one \r

              #\(keys[0]) was here
            \(keys[2]) # 3
            """
        let list = try AllowList(path: write(text, mode: 0o644))
        #expect(list.keys == Set(keys))
        #expect(list.entries.map(\.name) == [nil, "the big one", "# 3"])
        #expect(list.name(of: keys[1]) == "the big one")
        #expect(list.name(of: try CurveKeyPair.generate().publicKey) == nil)
        #expect(list.faults.isEmpty)
        #expect(AllowList(parsing: list.entries.map(\.line).joined(separator: "\n"), from: "") == list)
        #expect(AllowList(parsing: "", from: "").keys == [])
        let faulty = AllowList(parsing: "\(keys[0])\n\nnonsense name\n\(keys[1])", from: "list")
        #expect(faulty.keys == Set(keys.prefix(2)))
        #expect(faulty.faults.count == 1 && faulty.faults[0].hasPrefix("list, line 3:"))
    }
}
