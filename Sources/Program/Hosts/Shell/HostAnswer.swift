/// What a host's script said: keys with values, in order. Whatever else the other end prints is passed over.
package struct HostAnswer: Sendable, Equatable {
    private var lines: [(key: String, value: String)] = []

    package static func == (one: HostAnswer, other: HostAnswer) -> Bool {
        one.lines.elementsEqual(other.lines) { $0 == $1 }
    }

    /// - Parameter output: of the shell there, which may have a word of its own before.
    /// - Throws: `HostFault` when it has no end, or says what went wrong.
    package init(parsing output: String) throws {
        var state = 0
        for line in output.split(separator: "\n", omittingEmptySubsequences: true) {
            if line == "orchestrion-begin" {
                (state, lines) = (1, [])
            } else if line == "orchestrion-end", state == 1 {
                state = 2
            } else if state == 1, let sign = line.firstIndex(of: "=") {
                lines.append((String(line[..<sign]), HostFault.clean(String(line[line.index(after: sign)...]))))
            }
        }
        guard state == 2 else { throw HostFault("its answer is not whole") }
        if let fault = self["fault"] { throw HostFault(fault) }
    }

    /// The last value of a key.
    package subscript(key: String) -> String? { lines.last { $0.key == key }?.value }
    package func all(_ key: String) -> [String] { lines.filter { $0.key == key }.map(\.value) }

    /// A count, such as of bytes; nil for what is none.
    package func count(_ key: String) -> Int? { self[key].flatMap(Self.count) }

    /// Nothing of ours is larger than this.
    private static let most = 1 << 60

    package static func count(_ text: some StringProtocol) -> Int? {
        guard (1...19).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(text), value <= most
        else { return nil }
        return value
    }

    /// A digest in hexadecimal digits.
    package static func isDigest(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
