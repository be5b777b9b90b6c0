import Foundation
import TestSupport
import Testing

@testable import ModelFetch

@Suite(.enabled(if: FileServer.hasCurl, "there is no curl here"))
struct WebClientTests {
    @Test func `redirects are followed, a bounded number of times`() throws {
        let content = noise(5000)
        let server = try FileServer { request, _ in
            switch request.path {
            case "/a": FileServer.Reply(302, ["Location": "/b?signed=1"])
            case "/b?signed=1": .file(content, tag: "a", to: request)
            default: FileServer.Reply(301, ["Location": "/loop"])
            }
        }
        #expect(try fetch(server, "/a", with: QuickClient().client()).bytes == content)
        let loop = try fetch(server, "/loop", with: QuickClient().client())
        #expect(loop.error?.contains("more than 10 times") == true, "\(loop.error ?? "")")
        #expect(server.requests.count { $0.path == "/loop" } == 11)
    }

    @Test func `nothing leads from an encrypted place to one that is not`() throws {
        let address = try WebAddress("https://example.org/a/b")
        #expect(try address.following("c?d").description == "https://example.org/a/c?d")
        #expect(try WebAddress("http://example.org/").following("https://example.org/x").isEncrypted)
        for location in ["http://example.org/", "file:///etc/passwd", "ftp://example.org/x", ""] {
            #expect(throws: FetchError.self, "\(location)") {
                guard try address.following(location) != address else { throw FetchError("nowhere") }
            }
        }
        for text in [
            "", "example.org", "https://", "https://me:word@example.org/", "https://example.org/a\nb", "file:///x",
        ] {
            #expect(throws: FetchError.self, "\(text)") { try WebAddress(text) }
        }
    }

    @Test func `a token goes to its own server alone`() throws {
        let other = try FileServer { request, _ in .file(noise(100), tag: "a", to: request) }
        let address = other.address
        let first = try FileServer { _, _ in FileServer.Reply(307, ["Location": "\(address)/there"]) }
        let outcome = try fetch(first, "/x", with: QuickClient().client(token: "hf_secret"))
        #expect(outcome.bytes == noise(100), "\(outcome.error ?? "")")
        #expect(first.requests.first?.fields["authorization"] == "Bearer hf_secret")
        #expect(other.requests.count == 1 && other.requests[0].fields["authorization"] == nil)
    }

    @Test(arguments: [
        (404, "there is no such file"), (401, "--token-file"), (403, "--token-file"), (418, "answers 418"),
    ])
    func `what no second try mends is told at once`(status: Int, words: String) throws {
        let server = try FileServer { _, _ in FileServer.Reply(status) }
        let quick = QuickClient()
        let outcome = try fetch(server, with: quick.client())
        #expect(outcome.error?.contains(words) == true, "\(outcome.error ?? "")")
        #expect(server.requests.count == 1 && quick.pauses.isEmpty)
    }

    @Test func `a busy server is asked again when it wants to be`() throws {
        let server = try FileServer { request, count in
            count == 0 ? FileServer.Reply(503, ["Retry-After": "7"]) : .file(noise(100), tag: "a", to: request)
        }
        let quick = QuickClient()
        #expect(try fetch(server, with: quick.client()).bytes == noise(100))
        #expect(quick.pauses == [.seconds(7)])
        let far = try FileServer { _, _ in FileServer.Reply(429, ["Retry-After": "9000"]) }
        let outcome = try fetch(far, with: QuickClient().client())
        #expect(outcome.error?.contains("come back in 9000 s") == true, "\(outcome.error ?? "")")
    }

    @Test func `the time to wait may be a date`() {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let head = ResponseHead("HTTP/2 503\r\nRetry-After: Tue, 14 Nov 2023 22:15:20 GMT\r\nETag: W/\"x\"")
        #expect(head?.pause(now: now) == .seconds(120) && head?.validator == nil)
        #expect(ResponseHead("HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10")?.range?.start == 5)
        #expect(ResponseHead("nonsense") == nil && ResponseHead("HTTP/1.1 9999 x") == nil)
    }

    @Test func `a server that is not there is told`() throws {
        let server = try FileServer { _, _ in FileServer.Reply(404) }
        let client = QuickClient().client(attempts: 2)
        let address = try WebAddress("http://127.0.0.1:1/x")
        #expect(throws: FetchError.self) { _ = try client.survey(address) }
        #expect(try client.survey(WebAddress(server.address + "/x")).isThere == false)
    }
}
