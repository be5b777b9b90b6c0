import ClusterProtocol
import ModelTestSupport
import SongPlan
import Testing

/// Payloads come from anyone: they decode, or they are an error, and nothing else.
@Suite struct HostilePayloadTests {
    /// Decodes both ways, and encodes again what was understood.
    private func feed(_ payload: [UInt8]) -> Int {
        var understood = 0
        if let message = try? WireToCoordinator(payload: payload) {
            understood += 1
            _ = try? message.payload()
            if case .chunk(let chunk) = message.kind {
                _ = chunk.expectedHash == chunk.hash && chunk.task.taskID.window == 0
            }
        }
        if let message = try? WireFromCoordinator(payload: payload) {
            understood += 1
            _ = try? message.payload()
            if case .assignment(let assignment) = message.kind { _ = assignment.labels.songLabels }
        }
        return understood
    }

    private let samples: [[UInt8]]

    init() throws {
        samples =
            try WireCodecTests.toCoordinator.map { try $0.payload() }
            + WireCodecTests.fromCoordinator.map { try $0.payload() }
    }

    @Test func `random bytes are refused or understood`() {
        var random = SplitMix64(seed: 1)
        var refused = 0
        for _ in 0..<3000 {
            let payload = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            refused += feed(payload) == 0 ? 1 : 0
        }
        #expect(refused > 1000)
    }

    @Test func `messages cut short are refused or understood, and never taken for the whole one`() throws {
        for sample in samples {
            // Without its seal, which peers of before do not send, it is whole.
            for length in 0..<min(sample.count, 400) where length != sample.count - 10 {
                _ = feed(Array(sample.prefix(length)))
                if let message = try? WireToCoordinator(payload: Array(sample.prefix(length))), length > 0,
                    let whole = try? WireToCoordinator(payload: sample)
                {
                    #expect(message != whole)
                }
            }
        }
    }

    @Test func `messages with changed bytes are refused or understood`() {
        var random = SplitMix64(seed: 2)
        for sample in samples where !sample.isEmpty {
            for _ in 0..<100 {
                var payload = sample
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    payload[Int.random(in: payload.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                _ = feed(payload)
            }
        }
    }

    @Test func `a changed byte in a chunk shows in its hash`() throws {
        // Without the message's seal.
        let whole = try Array(WireToCoordinator(kind: .chunk(WireCodecTests.chunk)).payload().dropLast(10))
        var noticed = 0
        var decoded = 0
        for index in whole.indices {
            var payload = whole
            payload[index] ^= 0x04
            guard let message = try? WireToCoordinator(payload: payload), case .chunk(let chunk) = message.kind else {
                continue
            }
            decoded += 1
            noticed += chunk.hash != chunk.expectedHash ? 1 : 0
        }
        // A changed tag makes a field an unknown one; what is left must not fit the hash either.
        #expect(decoded > whole.count / 2)
        #expect(noticed == decoded)
    }

    @Test func `a payload over the limit is refused before it is decoded`() throws {
        let limit = TransportLimits.maximumMessageSize
        let zeros = [UInt8](repeating: 0, count: limit + 1)
        #expect(
            unlessError("\(limit + 1) bytes is over the limit") { _ = try WireToCoordinator(payload: zeros) } == nil)
        #expect(
            unlessError("\(limit + 1) bytes is over the limit") { _ = try WireFromCoordinator(payload: zeros) } == nil)
        // The same message one byte smaller is one of this protocol.
        var refused = WireRefused()
        refused.reason = String(repeating: "x", count: limit - 18)
        let payload = try WireFromCoordinator(kind: .refused(refused)).payload()
        #expect(payload.count == limit)
        #expect(throws: Never.self) { try WireFromCoordinator(payload: payload) }
    }

    @Test func `lengths that lie, deep nesting and endless varints are refused`() {
        #expect(
            unlessError("not a message of this protocol") {
                _ = try WireToCoordinator(payload: [0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F])
            } == nil)
        #expect(
            unlessError("not a message") { _ = try WireToCoordinator(payload: [UInt8](repeating: 0xFF, count: 64)) }
                == nil)
        #expect(
            unlessError("not a message") {
                _ = try WireFromCoordinator(payload: [UInt8](repeating: 0x0B, count: 60_000))
            } == nil)
        #expect(unlessError("not a message") { _ = try WireToCoordinator(payload: [0x0A, 0x02, 0x12, 0x05]) } == nil)
        // A song's name that is not UTF-8.
        #expect(
            unlessError("not a message") {
                _ = try WireToCoordinator(payload: [0x1A, 0x05, 0x0A, 0x03, 0x0A, 0x01, 0xFF])
            } == nil)
    }
}
