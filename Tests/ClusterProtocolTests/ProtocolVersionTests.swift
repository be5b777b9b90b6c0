import ClusterProtocol
import Testing

@Suite struct ProtocolVersionTests {
    @Test func `the own version is served, every other one is refused with both numbers and what to do`() throws {
        #expect(ProtocolVersion.refusal(of: ProtocolVersion.current) == nil)
        for version in [0, ProtocolVersion.current + 1, .max] {
            let reason = try #require(ProtocolVersion.refusal(of: version))
            #expect(reason.contains("version \(version)") && reason.contains("version \(ProtocolVersion.current)"))
            #expect(reason.contains("same release"))
        }
    }

    @Test func `a hello that says nothing has version 0, which is refused`() throws {
        let hello = try WireToCoordinator(payload: [0x0A, 0x00])
        #expect(hello.hello.version == 0 && ProtocolVersion.refusal(of: hello.hello.version) != nil)
    }
}
