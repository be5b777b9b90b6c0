import ClusterProtocol
import ClusterTestSupport
import Foundation
import HTTPGateway
import ModelTestSupport
import Testing

@Suite("Who may ask over HTTP")
struct DoorTests {
    @Test(arguments: ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080"])
    func `on loopback its names are let in`(host: String) async throws {
        let world = try GatewayWorld()
        #expect(await world.ask("GET", "/api/v1/openapi.json", fields: ["Host": host]).status == .ok)
    }

    @Test(arguments: ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]"])
    func `a name that leads here from elsewhere is not`(host: String) async throws {
        let world = try GatewayWorld()
        #expect(
            await world.ask("GET", "/api/v1/openapi.json", fields: ["Host": host]).status == .misdirectedRequest)
    }

    @Test(arguments: ["http://evil.example", "null", "http://localhost:8081", "localhost:8080"])
    func `a page of another origin may not ask, whatever it asks`(origin: String) async throws {
        let world = try GatewayWorld()
        for (method, path) in [("GET", "/api/v1/openapi.json"), ("POST", "/api/v1/songs")] {
            let response = await world.ask(
                method, path, fields: ["Host": "localhost:8080", "Origin": origin], json: "{}")
            #expect(response.status == .forbidden)
        }
        #expect(world.coordinator.requests.isEmpty)
    }

    @Test func `a page of ours may, and what another site's page loads may not`() async throws {
        let world = try GatewayWorld()
        let own: HTTPFields = ["Host": "localhost:8080", "Origin": "http://localhost:8080"]
        #expect(await world.ask("GET", "/api/v1/openapi.json", fields: own).status == .ok)
        let image: HTTPFields = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"]
        #expect(await world.ask("GET", "/api/v1/openapi.json", fields: image).status == .forbidden)
        let link: HTTPFields = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"]
        #expect(await world.ask("GET", "/api/v1/openapi.json", fields: link).status == .ok)
    }

    @Test func `every answer tells browsers to run nothing of it`() async throws {
        let world = try GatewayWorld()
        for path in ["/livez", "/nothing", "/api/v1/openapi.json"] {
            let response = await world.ask("GET", path)
            #expect(response.fields["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(response.fields["X-Content-Type-Options"] == "nosniff")
        }
    }

    private func tokens(_ folder: TemporaryFolder) throws -> (TokenFile, [TokenRole: String]) {
        var list = TokenList(text: "", source: "tokens")
        var tokens: [TokenRole: String] = [:]
        for role in TokenRole.allCases {
            let token = TokenList.makeToken()
            tokens[role] = token
            list.add(TokenList.Entry(token: token, role: role, name: "the \(role.rawValue)"))
        }
        let file = folder.file("tokens").path
        try Data(list.text.utf8).write(to: URL(fileURLWithPath: file))
        #expect(tokens.values.allSatisfy { !list.text.contains($0) })
        return (try TokenFile(path: file), tokens)
    }

    @Test func `elsewhere each needs a token, and each role may do what it may`() async throws {
        let folder = try TemporaryFolder()
        let (file, tokens) = try tokens(folder)
        let world = try GatewayWorld(doors: Doorkeeping(hosts: nil, tokens: file)) { kind, reply in
            switch kind {
            case .cancel: reply.cancelled.wasRunning = true
            case .releaseMachine: reply.released.wasSetAside = true
            case .drain: reply.drained.workers = ["w"]
            default: reply.status.uptimeSeconds = 1
            }
        }
        func status(_ method: String, _ path: String, _ role: TokenRole?) async -> HTTPStatus {
            var fields: HTTPFields = ["Host": "songs.example"]
            if let role { fields["Authorization"] = "Bearer \(tokens[role] ?? "")" }
            return await world.ask(method, path, fields: fields).status
        }
        let steps: [(String, String, TokenRole)] = [
            ("GET", "/api/v1/workers", .viewer), ("GET", "/metrics", .viewer),
            ("POST", "/api/v1/songs/waltz/cancel", .editor),
            ("POST", "/api/v1/machines/m/release", .admin), ("POST", "/api/v1/workers/w/drain", .admin),
        ]
        for (method, path, needed) in steps {
            #expect(await status(method, path, nil) == .unauthorized)
            for role in TokenRole.allCases {
                #expect(await status(method, path, role) == (role >= needed ? .ok : .forbidden), "\(path) \(role)")
            }
        }
        // Probes need none.
        #expect(await status("GET", "/livez", nil) == .ok)
        let wrong: HTTPFields = ["Authorization": "Bearer orc_0"]
        #expect(await world.ask("GET", "/api/v1/workers", fields: wrong).status == .unauthorized)
    }

    @Test func `a list of tokens is read line by line, and a wrong line is told`() throws {
        let entry = TokenList.Entry(token: "secret", role: .editor, name: "anna of the choir")
        let list = TokenList(text: "# a comment\n\(entry.line)\nnonsense\n", source: "file")
        #expect(list.entries == [entry])
        #expect(list.faults.count == 1)
        #expect(list.faults.first?.contains("line 3") == true)
        #expect(list.entry(of: "secret") == entry)
        #expect(list.entry(of: "Secret") == nil)
        var changed = list
        let isRemoved = changed.remove(name: "anna of the choir")
        #expect(isRemoved)
        #expect(changed.entries.isEmpty)
        #expect(Set((0..<100).map { _ in TokenList.makeToken() }).count == 100)
    }
}
