import ArgumentParser
import Foundation
import HTTPGateway
import ZeroMQTransport

/// Where the HTTP API is served, and to whom.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Serve the HTTP API there, such as 127.0.0.1:8080; port 0 takes a free one. On loopback anyone on this machine "
                + "may use it. Elsewhere each needs a token, and the way is not encrypted: put a proxy with TLS before it.",
            valueName: "host:port"))
    var http: String?

    @Option(
        help: ArgumentHelp(
            "A name by which browsers reach the HTTP API, such as a proxy's; may be given several times. Requests to other "
                + "names are refused.", valueName: "name"))
    var httpName: [String] = []

    @Option(
        help: ArgumentHelp(
            "The file of tokens for the HTTP API (orchestrion tokens new); a coordinator takes STATE/http-tokens when it "
                + "is there.", valueName: "file"))
    var tokens: String?

    @Option(help: ArgumentHelp("Write the address of the HTTP API into this file.", valueName: "file"))
    var httpEndpointFile: String?

    static func tokens(inState folder: String) -> String { "\(folder)/http-tokens" }

    /// - Parameter standardTokens: the file that counts when none is named and it is there.
    /// - Throws: `ValidationError`.
    func check(standardTokens: String?) throws {
        guard let http else {
            guard httpName.isEmpty, tokens == nil, httpEndpointFile == nil else {
                throw ValidationError("--http-name, --tokens and --http-endpoint-file are for --http HOST:PORT")
            }
            return
        }
        let endpoint = try self.endpoint(http)
        if let tokens, !FileManager.default.fileExists(atPath: tokens) {
            throw ValidationError(
                "--tokens: there is no \(tokens); orchestrion tokens new --file \(tokens) NAME makes it")
        }
        guard endpoint.isLoopback || tokenFile(standardTokens) != nil else {
            let place = standardTokens ?? "FILE"
            throw ValidationError(
                "--http \(http) can be reached from other machines, so it needs tokens: orchestrion tokens new --file "
                    + "\(place) NAME makes one")
        }
    }

    private func endpoint(_ text: String) throws -> TCPEndpoint { try Self.endpoint(text, option: "--http") }

    /// - Throws: `ValidationError` for what is no HOST:PORT.
    static func endpoint(_ text: String, option: String) throws -> TCPEndpoint {
        do { return try TCPEndpoint(parsing: "tcp://\(text)") } catch {
            throw ValidationError("\(option): \(error); it is HOST:PORT, such as 127.0.0.1:8080")
        }
    }

    static func place(_ endpoint: TCPEndpoint) -> (host: String, port: Int) {
        (endpoint.host == "*" ? "0.0.0.0" : endpoint.host, Int(endpoint.port ?? 0))
    }

    private func tokenFile(_ standard: String?) -> String? {
        tokens ?? standard.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
    }

    /// Where to listen.
    func place() throws -> (host: String, port: Int) {
        Self.place(try endpoint(http ?? ""))
    }

    /// Who may ask.
    ///
    /// - Returns: with what is wrong in the file of tokens.
    func doors(standardTokens: String?) throws -> (doors: Doorkeeping, faults: [String]) {
        let file = try tokenFile(standardTokens).map { try TokenFile(path: $0) }
        let names = Set(httpName.map { $0.lowercased() })
        let isLoopback = try endpoint(http ?? "").isLoopback
        let hosts = isLoopback ? Doorkeeping.loopbackNames.union(names) : names.isEmpty ? nil : names
        return (Doorkeeping(hosts: hosts, tokens: file), file?.list.faults ?? [])
    }
}
