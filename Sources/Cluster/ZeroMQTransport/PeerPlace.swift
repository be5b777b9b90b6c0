import Glibc

/// The other end of a TCP connection, while it is there.
struct PeerPlace: Hashable, Sendable {
    /// The IP address.
    let address: String
    private let port: UInt16

    /// nil when the descriptor is no connection, or none any more.
    init?(of descriptor: Int32) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var (host, service) = ([CChar](repeating: 0, count: 64), [CChar](repeating: 0, count: 16))
        let flags = NI_NUMERICHOST | NI_NUMERICSERV
        let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getpeername(descriptor, address, &size) == 0
                    && getnameinfo(
                        address, size, &host, socklen_t(host.count), &service, socklen_t(service.count), flags) == 0
            }
        }
        guard isKnown else { return nil }
        let name = Self.text(host)
        address = name.hasPrefix("::ffff:") ? String(name.dropFirst(7)) : name
        port = UInt16(Self.text(service)) ?? 0
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Hangs up, if the descriptor is still this connection: libzmq, which owns it, then sees that it has ended. Between
    /// the look and the call it may have become another one, which then has to connect again.
    func hangUp(_ descriptor: Int32) {
        if PeerPlace(of: descriptor) == self { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Bytes that the system has received over a connection since its beginning; nil where it does not count them.
    static func received(_ descriptor: Int32) -> Int? {
        // `tcpi_bytes_received` of Linux's `tcp_info`, which headers of the C library may not have.
        let place = 128
        var info = [UInt8](repeating: 0, count: 192)
        var size = socklen_t(info.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0, Int(size) >= place + 8 else {
            return nil
        }
        return Int(clamping: info.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt64.self) })
    }
}
