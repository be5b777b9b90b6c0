import Synchronization

/// What hosts answered side by side: by host, a word and some lines.
final class HostWords: Sendable {
    private let known = Mutex<[String: (word: String, lines: [String])]>([:])

    func set(_ host: String, _ word: String, _ lines: [String]) { known.withLock { $0[host] = (word, lines) } }
    func lines(_ host: String) -> [String]? { known.withLock { $0[host]?.lines } }
    var words: [String: String] { known.withLock { $0.mapValues(\.word) } }
}
