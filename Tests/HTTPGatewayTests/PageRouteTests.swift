import ClusterTestSupport
import Foundation
import HTTPGateway
import ModelTestSupport
import Testing

/// The page as the gateway serves it.
@Suite("The page") struct PageRouteTests {
    /// A gateway on which the API wants a token.
    private static func lockedWorld() throws -> GatewayWorld {
        let folder = try TemporaryFolder()
        let file = folder.file("tokens")
        try Data().write(to: file)
        return try GatewayWorld(
            doors: Doorkeeping(hosts: Doorkeeping.loopbackNames, tokens: TokenFile(path: file.path)))
    }

    @Test func `anybody may read it, and nothing but its own place may be loaded by it`() async throws {
        let world = try Self.lockedWorld()
        let page = await world.ask("GET", "/")
        #expect(page.status == .ok)
        #expect(page.fields["Content-Type"] == "text/html; charset=utf-8")
        let policy = try #require(page.fields["Content-Security-Policy"])
        #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self';"))
        #expect(!policy.contains("unsafe"))
        #expect(page.fields.all("Content-Security-Policy").count == 1)
        #expect(await world.ask("GET", "/api/v1/songs").status == .unauthorized)
        #expect(world.coordinator.requests.isEmpty)
    }

    @Test func `who asks by another name, or from another site, does not get it`() async throws {
        let world = try Self.lockedWorld()
        #expect(await world.ask("GET", "/", fields: ["Host": "evil.example"]).status == .misdirectedRequest)
        let image: HTTPFields = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"]
        #expect(await world.ask("GET", "/page/main.js", fields: image).status == .forbidden)
    }

    @Test func `what has not changed is not sent again`() async throws {
        let world = try GatewayWorld()
        let first = await world.ask("GET", "/page/main.js")
        let tag = try #require(first.fields["ETag"])
        let again = await world.ask("GET", "/page/main.js", fields: ["If-None-Match": "W/\"other\", \(tag)"])
        #expect(again.status == .notModified)
        #expect(try await again.bytes().isEmpty)
        #expect(await world.ask("GET", "/page/main.js", fields: ["If-None-Match": "\"other\""]).status == .ok)
    }

    @Test(arguments: ["/page/none.js", "/page/..%2Findex.html", "/page/", "/page", "/index.html"])
    func `a file that the page has not is not found`(path: String) async throws {
        let world = try GatewayWorld()
        #expect(await world.ask("GET", path).status == .notFound)
    }

    @Test func `it takes no other method`() async throws {
        let answer = try await GatewayWorld().ask("POST", "/", json: "{}")
        #expect(answer.status == .methodNotAllowed)
        #expect(answer.fields["Allow"] == "GET, HEAD, OPTIONS")
    }

    /// Follows all links from the page on.
    @Test func `every file that the page or its scripts name is there, and runs nothing that is written into the page`()
        async throws
    {
        let world = try GatewayWorld()
        let start = try await world.ask("GET", "/").text()
        var (waiting, seen) = (Self.names(in: start), Set<String>())
        #expect(waiting.contains("main.js"))
        while let name = waiting.popFirst() {
            guard seen.insert(name).inserted else { continue }
            let answer = await world.ask("GET", "/page/\(name)")
            try #require(answer.status == .ok, "\(name)")
            if name.hasSuffix(".js") { waiting.formUnion(Self.names(in: try await answer.text())) }
        }
        #expect(seen.contains("player.js") && seen.contains("watch.css"))
        #expect(!start.contains("style=") && !start.contains("<style") && !start.contains("onclick"))
        #expect(start.matches(of: /<script[^>]*>(?:.|\n)*?<\/script>/).allSatisfy { $0.0.hasSuffix("\"></script>") })
    }

    private static func names(in text: String) -> Set<String> {
        Set(text.matches(of: /"(?:\/page|\.)\/([a-z-]+\.[a-z]+)"/).map { String($0.1) })
    }
}
