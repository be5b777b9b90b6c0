import Foundation
import TestSupport
import Testing

@testable import ModelFetch

@Suite(.enabled(if: FileServer.hasCurl, "there is no curl here"))
struct TransferTests {
    private let content = noise(3_000_000)

    @Test func `a file comes as it is`() throws {
        let server = try FileServer { [content] request, _ in .file(content, tag: "a", to: request) }
        let outcome = try fetch(server, with: QuickClient().client())
        #expect(outcome.bytes == content && outcome.error == nil && outcome.leftovers.isEmpty, "\(outcome.error ?? "")")
        #expect(server.requests.count == 1)
    }

    @Test func `after cuts it goes on where it was`() throws {
        let server = try FileServer { [content] request, count in
            let reply = FileServer.Reply.file(content, tag: "a", to: request)
            return count < 3 ? reply.cut(after: 700_000) : reply
        }
        let quick = QuickClient()
        let outcome = try fetch(server, with: quick.client(attempts: 4))
        #expect(outcome.bytes == content && outcome.leftovers.isEmpty, "\(outcome.error ?? "")")
        let starts = server.requests.map(\.start)
        #expect(starts.count == 4 && starts[0] == nil && starts[1]! > 0 && starts[1]! < starts[2]!, "\(starts)")
        #expect(server.requests.dropFirst().allSatisfy { $0.fields["if-range"] == "\"a\"" })
        #expect(quick.words.count == 3)
    }

    @Test func `pauses grow, and tries end`() throws {
        let server = try FileServer { [content] request, _ in
            FileServer.Reply.file(content, tag: "a", to: request).cut(after: 0)
        }
        let quick = QuickClient()
        let outcome = try fetch(server, with: quick.client(attempts: 5))
        #expect(
            outcome.bytes == nil && outcome.error?.contains("given up after 5 tries") == true, "\(outcome.error ?? "")")
        #expect(quick.pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
    }

    @Test func `tries that bring much are not counted`() throws {
        let large = noise(6 << 20)
        let server = try FileServer { request, _ in
            FileServer.Reply.file(large, tag: "a", to: request).cut(after: 1_500_000)
        }
        let outcome = try fetch(server, with: QuickClient().client(attempts: 2))
        #expect(outcome.bytes == large, "\(outcome.error ?? "")")
    }

    @Test func `another fetch goes on with what the first left`() throws {
        let folder = try TestFolder.make("fetch")
        let server = try FileServer { [content] request, count in
            let reply = FileServer.Reply.file(content, tag: "a", to: request)
            return count == 0 ? reply.cut(after: 1_000_000) : reply
        }
        let first = try fetch(server, into: folder, with: QuickClient().client(attempts: 1))
        #expect(first.bytes == nil && first.leftovers == ["model.bin.part", "model.bin.part.json"])
        let second = try fetch(server, into: folder, with: QuickClient().client())
        #expect(second.bytes == content && second.leftovers.isEmpty)
        #expect(server.requests.last?.start ?? 0 > 0)
    }

    @Test func `a stall ends a try`() throws {
        let server = try FileServer { [content] request, count in
            let reply = FileServer.Reply.file(content, tag: "a", to: request)
            return count == 0 ? reply.stalled(after: 100_000) : reply
        }
        let quick = QuickClient()
        let outcome = try fetch(server, with: quick.client(stall: .milliseconds(500)))
        #expect(outcome.bytes == content, "\(outcome.error ?? "")")
        #expect(quick.words.first?.contains("next to nothing came") == true, "\(quick.words)")
    }

    @Test func `a server that is silent from the first is given up`() throws {
        let server = try FileServer { _, _ in FileServer.Reply(body: [1]).stalled(after: 0) }
        let outcome = try fetch(server, with: QuickClient().client(attempts: 2, stall: .milliseconds(300)))
        #expect(outcome.error?.contains("given up after 2 tries") == true, "\(outcome.error ?? "")")
    }

    @Test func `bytes of another file are never put behind those that came`() throws {
        let other = noise(3_000_000, seed: 9)
        for honest in [true, false] {
            let folder = try TestFolder.make("fetch")
            let server = try FileServer { [content] request, count in
                if count == 0 { return FileServer.Reply.file(content, tag: "a", to: request).cut(after: 1_000_000) }
                guard !honest, count == 1 else { return .file(other, tag: "b", to: request) }
                // It sends the part that was asked for, whatever it is a part of.
                var blind = request
                blind.fields["if-range"] = nil
                return .file(other, tag: "b", to: blind)
            }
            let outcome = try fetch(server, into: folder, with: QuickClient().client())
            #expect(outcome.bytes == other && outcome.leftovers.isEmpty, "\(honest) \(outcome.error ?? "")")
        }
    }

    @Test func `without a name for the bytes it begins again`() throws {
        let server = try FileServer { [content] request, count in
            let reply = FileServer.Reply.file(content, tag: nil, to: request)
            return count == 0 ? reply.cut(after: 1_000_000) : reply
        }
        let outcome = try fetch(server, with: QuickClient().client())
        #expect(outcome.bytes == content && server.requests.map(\.start) == [nil, nil], "\(outcome.error ?? "")")
    }

    @Test func `a length that is a lie is found`() throws {
        let longer = try FileServer { [content] request, _ in
            FileServer.Reply.file(content, tag: "a", to: request).saying(content.count + 10)
        }
        let quick = QuickClient()
        let outcome = try fetch(longer, with: quick.client())
        #expect(outcome.bytes == nil && outcome.error?.contains("given up") == true)
        #expect(quick.words.contains { $0.contains("it has 3000000 bytes") }, "\(quick.words)")
        let shorter = try FileServer { [content] request, _ in
            FileServer.Reply.file(content, tag: "a", to: request).saying(content.count - 10)
        }
        let told = try fetch(shorter, bytes: content.count, with: QuickClient().client())
        #expect(
            told.bytes == nil && told.error?.contains("the server has 2999990 bytes") == true, "\(told.error ?? "")")
    }

    @Test(arguments: [false, true])
    func `a web page is no model`(saysSo: Bool) throws {
        let page = Array(("<!DOCTYPE html><html><body>sign in" + String(repeating: " ", count: 9000)).utf8)
        let type = saysSo ? "text/html; charset=utf-8" : "application/octet-stream"
        let server = try FileServer { _, _ in FileServer.Reply(200, ["Content-Type": type], body: page) }
        for kind in [RemoteFile.Kind.weights, .text] {
            let outcome = try fetch(server, kind: kind, with: QuickClient().client())
            #expect(outcome.bytes == nil && outcome.error?.contains("is a web page") == true, "\(outcome.error ?? "")")
        }
        #expect(server.requests.count == 2)
    }

    @Test func `what is no weights is refused with its first bytes`() throws {
        let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".utf8)
        let server = try FileServer { request, _ in .file(pointer, tag: "a", to: request) }
        let outcome = try fetch(server, kind: .weights, with: QuickClient().client())
        #expect(outcome.bytes == nil && outcome.error?.contains("Git LFS pointer") == true, "\(outcome.error ?? "")")
        #expect(outcome.leftovers.isEmpty && server.requests.count == 1)
        let strange = try FileServer { [content] request, _ in .file(content, tag: "a", to: request) }
        let unknown = try fetch(strange, kind: .weights, with: QuickClient().client())
        #expect(
            unknown.error?.contains("unknown format") == true && unknown.leftovers.isEmpty, "\(unknown.error ?? "")")
    }

    @Test func `bytes that are not what a list says are thrown away`() throws {
        let server = try FileServer { [content] request, _ in .file(content, tag: "a", to: request) }
        let wrong = try fetch(server, sha256: String(repeating: "0", count: 64), with: QuickClient().client())
        #expect(wrong.bytes == nil && wrong.leftovers.isEmpty && wrong.error?.contains("SHA-256") == true)
    }

    @Test func `there is room, or nothing is fetched`() throws {
        let server = try FileServer { request, _ in
            FileServer.Reply.file([1, 2, 3], tag: "a", to: request).saying(1 << 49)
        }
        let outcome = try fetch(server, kind: .weights, with: QuickClient().client())
        #expect(outcome.error?.contains("make room") == true, "\(outcome.error ?? "")")
    }
}
