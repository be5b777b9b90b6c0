import Foundation

/// Where a copy is kept: a folder of this machine, or `ssh://[USER@]HOST[:PORT]/PATH`.
package enum CopyPlace: Sendable, Hashable, CustomStringConvertible {
    case folder(String)
    /// - Parameters:
    ///   - host: with its user, as ssh takes it.
    ///   - path: there; one that begins with `~/` is in the user's home.
    case ssh(host: String, port: Int?, path: String)

    private static let scheme = "ssh://"

    /// - Throws: `CopyError` that says what is wrong with it.
    package init(_ text: String) throws {
        guard text.hasPrefix(Self.scheme) else {
            guard !text.isEmpty, !text.contains("://") else {
                throw CopyError(.damaged, "\(text) is neither a folder nor ssh://HOST/PATH")
            }
            self = .folder(URL(fileURLWithPath: text).path)
            return
        }
        let rest = text.dropFirst(Self.scheme.count)
        guard let slash = rest.firstIndex(of: "/") else {
            throw CopyError(.damaged, "\(text) names no folder; it is ssh://HOST/PATH")
        }
        var (host, port) = (String(rest[..<slash]), Int?.none)
        if let colon = host.lastIndex(of: ":") {
            guard let number = Int(host[host.index(after: colon)...]), (1...65_535).contains(number) else {
                throw CopyError(.damaged, "\(text): the port is a number of 1 to 65535")
            }
            (host, port) = (String(host[..<colon]), number)
        }
        let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"'\"\\`$;&|<>()*?!".utf8.contains($0) }
        guard !host.isEmpty, !host.hasPrefix("-"), isName else {
            throw CopyError(.damaged, "\(text) names no host; it is ssh://[USER@]HOST[:PORT]/PATH")
        }
        let path = String(rest[slash...])
        guard path.count > 1, !path.contains("\0"), !path.contains("\n") else {
            throw CopyError(.damaged, "\(text) names no folder; it is ssh://HOST/PATH")
        }
        self = .ssh(host: host, port: port, path: path.hasPrefix("/~/") ? String(path.dropFirst()) : path)
    }

    package var description: String {
        switch self {
        case .folder(let folder): folder
        case .ssh(let host, let port, let path):
            "\(Self.scheme)\(host)\(port.map { ":\($0)" } ?? "")\(path.hasPrefix("/") ? "" : "/")\(path)"
        }
    }

    /// Whether somebody went on from the copy meanwhile, as far as that can be seen from here at once. A folder that is not there
    /// just now says nothing.
    ///
    /// - Throws: `CopyError` when the coordinator of an identity is out.
    package func checkTakeover(_ identity: CopyIdentity) throws {
        switch self {
        case .folder(let folder): try CopyFolder.checkTakeover(folder, identity)
        case .ssh: break
        }
    }

    func open() throws -> any CopyTarget {
        switch self {
        case .folder(let folder): CopyFolder(folder)
        case .ssh(let host, let port, let path): try SecureShell(host: host, port: port, path: path)
        }
    }
}
