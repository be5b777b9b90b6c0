import Foundation
import Synchronization
import TestSupport

@testable import ModelFetch

/// A client that does not wait, and remembers for how long it should have.
final class QuickClient: Sendable {
    private let asked = Mutex<[Duration]>([])
    private let said = Mutex<[String]>([])

    var pauses: [Duration] { asked.withLock { $0 } }
    var words: [String] { said.withLock { $0 } }

    func client(attempts: Int = 3, stall: Duration = .seconds(30), token: String? = nil) -> WebClient {
        var settings = WebClient.Settings()
        (settings.attempts, settings.stall, settings.token) = (attempts, stall, token)
        settings.sleep = { pause in self.asked.withLock { $0.append(pause) } }
        settings.tell = { text in self.said.withLock { $0.append(text) } }
        return WebClient(settings)
    }
}

/// Bytes that are no file of any kind, and differ from place to place.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56) | 0x80
    }
}

/// What a transfer brought, or why it failed; the part and its record that it left.
struct Outcome {
    var bytes: [UInt8]?
    var error: String?
    var leftovers: [String]
}

/// Fetches one file from a server into a folder.
func fetch(
    _ server: FileServer, _ path: String = "/model.bin", into folder: String? = nil, kind: RemoteFile.Kind = .text,
    bytes: Int? = nil, sha256: String? = nil, with client: WebClient
) throws -> Outcome {
    let folder = try folder ?? TestFolder.make("fetch")
    let name = path.split(separator: "/").last.map(String.init) ?? "file"
    let file = RemoteFile(
        name: name, address: try WebAddress(server.address + path), kind: kind, bytes: bytes, sha256: sha256)
    var failure: String?
    do {
        try Transfer(file: file, part: PartFile(target: "\(folder)/\(name)"), client: client) { _ in }.run()
    } catch { failure = "\(error)" }
    return Outcome(
        bytes: FileManager.default.contents(atPath: "\(folder)/\(name)").map(Array.init), error: failure,
        leftovers: try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != name }.sorted())
}
