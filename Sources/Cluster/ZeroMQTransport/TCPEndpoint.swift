import Glibc

/// `tcp://HOST:PORT`, as both ends of the transport are told it; `tcp://` may be left away.
package struct TCPEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, an IPv6 address without its brackets, or `*` for all interfaces (listening only).
    package let host: String
    /// nil, written 0 or `*`: the system chooses (listening only).
    package let port: UInt16?

    /// - Throws: ``ZeroMQError`` that shows what an endpoint looks like.
    package init(parsing text: String) throws {
        func refusal(_ reason: String, _ example: String = "tcp://HOST:PORT") -> ZeroMQError {
            ZeroMQError(explaining: "\"\(text)\" is not an endpoint: \(reason); write \(example)")
        }
        var rest = text[...]
        if let end = text.firstRange(of: "://") {
            guard text[..<end.lowerBound] == "tcp" else {
                throw refusal("\(text[..<end.upperBound]) is not spoken here")
            }
            rest = text[end.upperBound...]
        }
        guard let colon = Self.colonBeforePort(rest) else {
            guard !rest.isEmpty, !rest.contains(":") else {
                throw rest.isEmpty
                    ? refusal("it names no host") : refusal("an IPv6 address needs brackets", "tcp://[ADDRESS]:PORT")
            }
            throw refusal("the port is missing", "tcp://HOST:PORT, such as tcp://\(rest):5550")
        }
        (host, port) = try Self.parts(rest[..<colon], rest[rest.index(after: colon)...], refusal: { refusal($0) })
    }

    private static func parts(
        _ host: Substring, _ port: Substring, refusal: (String) -> ZeroMQError
    ) throws -> (String, UInt16?) {
        var name = host
        if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
            name = host.dropFirst().dropLast()
            guard addressBytes(String(name)) != nil else { throw refusal("\(host) is not an IPv6 address") }
        } else {
            let isName = host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == 0x2d || byte == 0x2e || byte == 0x5f
            }
            guard host == "*" || (!host.isEmpty && isName && host.utf8.count <= 253) else {
                throw refusal("\"\(host)\" is not a host's name or address")
            }
        }
        if port == "*" { return (String(name), nil) }
        guard let number = UInt16(port), port.first != "+" else {
            throw refusal("\"\(port)\" is not a port, 0 to 65535")
        }
        return (String(name), number == 0 ? nil : number)
    }

    /// The last colon, but none within an IPv6 address, with brackets or without.
    private static func colonBeforePort(_ text: Substring) -> Substring.Index? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        if text.hasPrefix("[") { return text[..<colon].hasSuffix("]") ? colon : nil }
        return text[..<colon].contains(":") ? nil : colon
    }

    package var description: String { "tcp://\(shownHost):\(port.map(String.init) ?? "*")" }

    /// Host and port for people.
    package var place: String { "\(shownHost):\(port.map(String.init) ?? "*")" }

    private var shownHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Whether it is one host and a port of it.
    package var canBeConnectedTo: Bool { host != "*" && port != nil }

    /// Whether only this machine can reach it: `localhost`, an address in 127.0.0.0/8, or `::1`.
    package var isLoopback: Bool {
        if host == "localhost" { return true }
        if let bytes = Self.addressBytes(host) {
            let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff, 127]
            return bytes == Array(repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The bytes of an IPv6 address, which may name an interface: `fe80::1%eth0`.
    private static func addressBytes(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 1 || parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x5d }) else { return nil }
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(parts[0]), &address) == 1 else { return nil }
        return withUnsafeBytes(of: address) { Array($0) }
    }

    /// Whether libzmq must be told that its addresses may be of IPv6.
    var needsIPv6: Bool { host == "*" || host.contains(":") || !hasIPv4 }

    /// What libzmq binds to: it takes no names there.
    var bindable: String {
        "tcp://\(host == "localhost" ? "127.0.0.1" : shownHost):\(port.map(String.init) ?? "*")"
    }
}
