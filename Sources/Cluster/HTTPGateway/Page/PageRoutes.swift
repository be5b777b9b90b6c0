import WebPage

/// The page, at `/`, with its files below `/page/`. Anybody may read it: it has no secrets, and asks for a token itself.
struct PageRoutes {
    var routes: [Route] {
        [
            Route("GET", "/", role: .viewer) { try Self.file(WebPage.start, for: $0.request) },
            Route("GET", "/page/{file}", role: .viewer) { try Self.file($0.parameter("file"), for: $0.request) },
        ]
    }

    private static func file(_ name: String, for request: HTTPRequest) throws -> HTTPResponse {
        guard let file = WebPage.files[name] else {
            throw Problem(.notFound, "the page has no file \(Text.shown(name)); the page itself is at /")
        }
        // Asked for each time, so that a new program's page is not mixed with an old one's.
        let fields: HTTPFields = [
            "Content-Type": file.type, "ETag": file.tag, "Cache-Control": "no-cache",
            "Content-Security-Policy": WebPage.policy,
        ]
        if request.fields["If-None-Match"]?.contains(file.tag) ?? false {
            return HTTPResponse(.notModified, fields: fields)
        }
        return HTTPResponse(.ok, fields: fields, body: .bytes(file.bytes))
    }
}
