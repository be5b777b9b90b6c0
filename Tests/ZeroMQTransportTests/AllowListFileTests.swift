import ClusterProtocol
import Foundation
import Testing

@testable import ZeroMQTransport

/// The list of keys as a file that changes.
@Suite struct AllowListFileTests {
    private let folder: URL
    private let file: AllowListFile
    private let keys: [CurvePublicKey]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("allow-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        file = AllowListFile(path: folder.appendingPathComponent("allowed-keys").path)
        keys = try (0..<3).map { _ in try CurveKeyPair.generate().publicKey }
    }

    private func text() throws -> String { try String(contentsOfFile: file.path, encoding: .utf8) }
    private func write(_ text: String) throws {
        try text.write(toFile: file.path, atomically: true, encoding: .utf8)
    }

    @Test func `a key is added once, with its name, and what was there stays`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try file.add(.init(key: keys[0], name: "w1")) == nil)
        #expect(try file.add(.init(key: keys[0], name: "other")) == .init(key: keys[0], name: "w1"))
        try write(try text() + "# mine\n\(keys[1])")
        #expect(try file.add(.init(key: keys[2])) == nil)
        #expect(try file.read().entries.map(\.key) == keys)
        #expect(try text().contains("# mine\n\(keys[1])\n\(keys[2])\n") && file.read().faults.isEmpty)
    }

    @Test func `who adds at the same time loses nothing`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let many = try (0..<24).map { _ in try CurveKeyPair.generate().publicKey }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for key in many { group.addTask { [file] in _ = try file.add(.init(key: key)) } }
            try await group.waitForAll()
        }
        #expect(try file.read().keys == Set(many))
    }

    @Test func `a key is removed, even beside another in its line`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("# list\n\(keys[0]) w1public-key = \(keys[1])\n\(keys[2]) w3\n")
        #expect(try file.remove(keys[1]))
        #expect(try text() == "# list\n\(keys[0]) w1\n\(keys[2]) w3\n")
        #expect(try !file.remove(keys[1]))
    }

    @Test func `a change is noticed a second later, told key by key, and a missing file takes nobody's key`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var told: [String] = []
        _ = try file.add(.init(key: keys[0], name: "w1"))
        var follower = AllowListFollower(file, allowed: [keys[0]: .admin]) { told.append($0) }
        let start = ContinuousClock.now
        #expect(follower.changes(now: start) == nil && told.isEmpty)
        _ = try file.add(.init(key: keys[1], name: "w2"))
        #expect(follower.changes(now: start + .milliseconds(500)) == nil)
        #expect(follower.changes(now: start + .seconds(1)) == [keys[0]: .admin, keys[1]: .admin])
        #expect(told == ["allows the key \(keys[1]) (w2)"])
        #expect(try file.remove(keys[0]))
        #expect(follower.changes(now: start + .seconds(2)) == [keys[1]: .admin])
        #expect(told.last == "does not allow the key \(keys[0]) any more")
        try FileManager.default.removeItem(atPath: file.path)
        #expect(follower.changes(now: start + .seconds(3)) == nil)
        #expect(told.count == 3 && told[2].contains("allowed before still are"))
        #expect(follower.changes(now: start + .seconds(4)) == nil && told.count == 3)
        try write("\(keys[1])\nnonsense\n")
        #expect(follower.changes(now: start + .seconds(5)) == nil)
        #expect(told.last?.contains("line 2") == true)
    }

    @Test func `a server lets in whom the file allows later`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (own, newcomer) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        try file.makeIfMissing()
        let server = try ZeroMQServer(
            listen: "tcp://127.0.0.1:0", security: .curve(own, allowed: []), context: ZeroMQContext())
        server.follow(file) { _ in }
        let client = try ZeroMQClient(
            connect: server.endpoint, security: .curve(newcomer, server: own.publicKey), context: ZeroMQContext())
        var inbox = Inbox()
        let refused = ContinuousClock.now + patience
        while client.status != .keyRefused(newcomer.publicKey.z85), ContinuousClock.now < refused {
            try inbox.collect(from: server, for: .milliseconds(5))
            _ = try client.receive(timeout: .milliseconds(5), limit: 1)
        }
        #expect(client.status == .keyRefused(newcomer.publicKey.z85))
        _ = try file.add(.init(key: newcomer.publicKey))
        try send([9], from: client, serving: server, into: &inbox)
        try receive(1, at: server, into: &inbox)
        #expect(inbox.messages.map(\.payload) == [[9]])
    }
}
