/// Who may ask over HTTP: an address on this machine is open to those on it, and to no page of a browser that came from
/// elsewhere; any other address wants a token.
package struct Doorkeeping: Sendable {
    /// What a request may call this server (`Host`), without a port; nil: anything, where a token is wanted.
    private let hosts: Set<String>?
    private let tokens: TokenFile?

    /// For an address that only this machine reaches.
    package static var loopback: Doorkeeping { Doorkeeping(hosts: loopbackNames, tokens: nil) }

    /// - Parameters:
    ///   - hosts: names of this server; nil for any.
    ///   - tokens: nil: nobody needs one.
    package init(hosts: Set<String>?, tokens: TokenFile?) { (self.hosts, self.tokens) = (hosts, tokens) }

    package static let loopbackNames: Set = ["localhost", "127.0.0.1", "[::1]"]

    /// - Parameter isOpen: whether what is asked for needs no token.
    /// - Returns: who asks.
    /// - Throws: `Problem`.
    func admit(_ request: HTTPRequest, isOpen: Bool = false) throws -> Caller {
        let host = try checkHost(request)
        try checkOrigin(request, host: host)
        if isOpen { return .anybody }
        guard let tokens else { return Caller(name: "", role: .admin) }
        let parts = (request.fields["Authorization"] ?? "").split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let entry = tokens.list.entry(of: String(parts[1]))
        else {
            throw Problem(
                .unauthorized,
                "a token is needed: send Authorization: Bearer TOKEN; orchestrion tokens new makes one at the gateway's machine",
                fields: ["WWW-Authenticate": "Bearer"])
        }
        return Caller(name: entry.name, role: entry.role)
    }

    /// A page of somebody whose name leads to this machine must not pass for one of ours.
    private func checkHost(_ request: HTTPRequest) throws -> String {
        let all = request.fields.all("Host")
        guard all.count == 1, let host = all.first, !host.isEmpty else {
            throw Problem(.badRequest, "a request has one Host")
        }
        guard let hosts else { return host }
        guard hosts.contains(Self.name(host)) else {
            throw Problem(
                .misdirectedRequest,
                "this server is not called \(Text.shown(host)); it is \(hosts.sorted().joined(separator: ", ")), and "
                    + "--http-name gives it other names")
        }
        return host
    }

    private func checkOrigin(_ request: HTTPRequest, host: String) throws {
        if let origin = request.fields["Origin"] {
            let place = origin.split(separator: "/", omittingEmptySubsequences: false)
            guard place.count == 3, place[1].isEmpty, place[2].lowercased() == host.lowercased() else {
                throw Problem(.forbidden, "a page of \(Text.shown(origin)) may not ask here")
            }
        }
        // Of a browser that says so: what another site's page loads, in whatever way.
        if request.fields["Sec-Fetch-Site"] == "cross-site", request.fields["Sec-Fetch-Mode"] != "navigate" {
            throw Problem(.forbidden, "a page of another site may not ask here")
        }
    }

    /// Without the port.
    private static func name(_ host: String) -> String {
        let host = host.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}
