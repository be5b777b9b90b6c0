import Foundation

/// An address of HTTP that may be asked.
struct WebAddress: Sendable, Equatable, CustomStringConvertible {
    private let url: URL

    /// - Throws: `FetchError` for what is none, and for one with a name and password in it, which belong into a file.
    init(_ text: String) throws {
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }),
            let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty
        else { throw FetchError("\(Self.shown(text)) is no address; one begins with https://") }
        guard url.user == nil, url.password == nil else {
            throw FetchError(
                "an address with a name or password in it is not used: others can see it in lists of processes")
        }
        self.url = url
    }

    var description: String { url.absoluteString }
    var isEncrypted: Bool { url.scheme?.lowercased() == "https" }

    func isSameServer(as other: WebAddress) -> Bool {
        url.host?.lowercased() == other.url.host?.lowercased() && url.port == other.url.port
            && isEncrypted == other.isEncrypted
    }

    /// A file's address in a folder's.
    func appending(_ path: String) throws -> WebAddress {
        let base = description.hasSuffix("/") ? description : description + "/"
        return try WebAddress(base + path)
    }

    /// Where a redirect leads.
    ///
    /// - Throws: `FetchError` for a place that is not encrypted when this one is.
    func following(_ location: String) throws -> WebAddress {
        guard let target = URL(string: location, relativeTo: url)?.absoluteString else {
            throw FetchError("\(self) leads on to \(Self.shown(location)), which is no address")
        }
        let next = try WebAddress(target)
        guard next.isEncrypted || !isEncrypted else {
            throw FetchError("\(self) leads on to \(next), which is not encrypted; that is not followed")
        }
        return next
    }

    private static func shown(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(120).map {
                $0.isASCII && $0.value > 0x1F && $0.value != 0x7F ? Character($0) : "?"
            })
    }
}
