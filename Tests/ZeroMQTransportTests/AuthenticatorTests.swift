import ClusterProtocol
import Testing

@testable import ZeroMQTransport

/// The answers to libzmq's authentication requests, well formed and not.
@Suite struct AuthenticatorTests {
    private let authenticator: Authenticator
    private let allowedKey = [UInt8](1...32)
    private let otherKey = [UInt8](2...33)

    init() throws {
        authenticator = try Authenticator(
            ZeroMQContext(), allowed: [try #require(CurvePublicKey(bytes: [UInt8](1...32)))])
    }

    private func request(
        version: String = "1.0", domain: String = "orchestrion", mechanism: String = "CURVE",
        credentials: [[UInt8]]
    ) -> [[UInt8]] {
        [[0, 7], [], Array(version.utf8), Array("id".utf8), Array(domain.utf8), Array("10.0.0.9".utf8), []]
            + [Array(mechanism.utf8)] + credentials
    }

    private func status(_ frames: [[UInt8]]) -> String? {
        guard let reply = authenticator.answer(frames) else { return nil }
        #expect(reply.count == 8)
        #expect(Array(reply[0...3]) == [frames[0], [], Array("1.0".utf8), frames[3]])
        return String(decoding: reply[4], as: UTF8.self)
    }

    @Test func `an allowed key is told its name`() throws {
        let frames = request(credentials: [allowedKey])
        #expect(status(frames) == "200")
        let name = try #require(CurvePublicKey(bytes: allowedKey)).z85
        #expect(try #require(authenticator.answer(frames))[6] == Array(name.utf8))
        #expect(authenticator.refusalCount == 0)
    }

    @Test func `any other is refused and noted once`() throws {
        #expect(status(request(credentials: [otherKey])) == "400")
        #expect(status(request(credentials: [otherKey])) == "400")
        #expect(authenticator.refusalCount == 2)
        let key = try #require(CurvePublicKey(bytes: otherKey))
        let refusal = ConnectionRefusal(address: "10.0.0.9", key: key.z85, reason: .keyNotAllowed)
        #expect(authenticator.takeRefusals() == [refusal])
        #expect(authenticator.takeRefusals() == [])
        authenticator.allow([key])
        #expect(status(request(credentials: [otherKey])) == "200")
        #expect(status(request(credentials: [allowedKey])) == "400")
    }

    @Test func `malformed requests are refused`() {
        #expect(status(request(version: "2.0", credentials: [allowedKey])) == "400")
        #expect(status(request(domain: "", credentials: [allowedKey])) == "400")
        #expect(status(request(domain: "orchestrion2", credentials: [allowedKey])) == "400")
        #expect(status(request(mechanism: "NULL", credentials: [])) == "400")
        #expect(status(request(mechanism: "NULL", credentials: [allowedKey])) == "400")
        #expect(status(request(mechanism: "PLAIN", credentials: [allowedKey, allowedKey])) == "400")
        #expect(status(request(credentials: [])) == "400")
        #expect(status(request(credentials: [Array(allowedKey.dropLast())])) == "400")
        #expect(status(request(credentials: [allowedKey + [0]])) == "400")
        #expect(status(request(credentials: [allowedKey, []])) == "400")
        #expect(status(Array(request(credentials: [allowedKey])[..<4])) == "400")
    }

    @Test func `what cannot be answered is not`() {
        let whole = request(credentials: [allowedKey])
        for count in 0..<4 { #expect(authenticator.answer(Array(whole[..<count])) == nil) }
        #expect(authenticator.answer([[0], [1]] + whole[2...]) == nil)
    }
}
