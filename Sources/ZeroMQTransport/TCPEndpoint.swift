/// `tcp://HOST:PORT`, as both ends of the transport are told it.
package struct TCPEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, or `*` for all interfaces (listening only).
    package let host: String
    /// nil, written 0 or `*`: the system chooses (listening only).
    package let port: UInt16?

    /// - Throws: ``ZeroMQError`` that shows what an endpoint looks like.
    package init(parsing text: String) throws {
        func refusal(_ reason: String) -> ZeroMQError {
            ZeroMQError(explaining: "\"\(text)\" is not an endpoint: \(reason); write tcp://HOST:PORT")
        }
        let scheme = "tcp://"
        guard text.hasPrefix(scheme) else { throw refusal("it does not start with \(scheme)") }
        let rest = text.dropFirst(scheme.count)
        guard let colon = rest.lastIndex(of: ":") else { throw refusal("the port is missing") }
        let host = rest[..<colon]
        let port = rest[rest.index(after: colon)...]
        guard !host.contains(":"), !host.hasPrefix("[") else {
            throw refusal("IPv6 is not supported, only names and IPv4 addresses")
        }
        let isName = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x2d || byte == 0x2e || byte == 0x5f
        }
        guard host == "*" || (!host.isEmpty && isName && host.utf8.count <= 253) else {
            throw refusal("\"\(host)\" is not a host's name or address")
        }
        if port == "*" {
            self.port = nil
        } else {
            guard let number = UInt16(port), port.first != "+" else {
                throw refusal("\"\(port)\" is not a port, 0 to 65535")
            }
            self.port = number == 0 ? nil : number
        }
        self.host = String(host)
    }

    package var description: String {
        "tcp://\(host):\(port.map(String.init) ?? "*")"
    }

    /// Whether only this machine can reach it: `localhost` or an address in 127.0.0.0/8.
    package var isLoopback: Bool {
        if host == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What libzmq binds to: it takes no names there.
    var bindable: String {
        "tcp://\(host == "localhost" ? "127.0.0.1" : host):\(port.map(String.init) ?? "*")"
    }
}
