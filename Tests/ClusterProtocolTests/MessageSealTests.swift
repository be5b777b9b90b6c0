import ClusterProtocol
import Testing

/// What is changed on the way is found, whichever bit it is.
@Suite struct MessageSealTests {
    /// Flips every bit of a payload, and says which flips gave another message than was sent.
    private func unnoticed<Message: Equatable>(
        _ payload: [UInt8], _ sent: Message, _ decode: ([UInt8]) throws -> Message
    ) -> [Int] {
        (0..<payload.count * 8).filter { bit in
            var damaged = payload
            damaged[bit / 8] ^= 1 << (bit % 8)
            guard let message = try? decode(damaged) else { return false }
            return message != sent
        }
    }

    @Test func `a flip of any bit of any kind of message is noticed, or changes nothing that counts`() throws {
        for message in WireCodecTests.toCoordinator {
            let payload = try message.payload()
            let wrong = unnoticed(payload, message.kind) { try WireToCoordinator(payload: $0).kind }
            #expect(wrong.isEmpty, "\(wrong) of \(message)")
        }
        for message in WireCodecTests.fromCoordinator {
            let payload = try message.payload()
            let wrong = unnoticed(payload, message.kind) { try WireFromCoordinator(payload: $0).kind }
            #expect(wrong.isEmpty, "\(wrong) of \(message)")
        }
    }

    @Test func `two bits that change at once are noticed in the first message of a peer, too`() throws {
        var welcome = WireWelcome()
        (welcome.version, welcome.heartbeatMilliseconds, welcome.leaseMilliseconds) = (1, 1000, 5000)
        let sent = WireFromCoordinator(kind: .welcome(welcome))
        let payload = try sent.payload()
        let bits = 0..<payload.count * 8
        for first in bits {
            for second in bits.dropFirst(first + 1) {
                var damaged = payload
                for bit in [first, second] { damaged[bit / 8] ^= 1 << (bit % 8) }
                guard let message = try? WireFromCoordinator(payload: damaged) else { continue }
                #expect(message == sent, "bits \(first) and \(second)")
            }
        }
    }

    @Test func `who has sealed a message is not believed without a seal, and others of before are`() throws {
        let sealed = try WireToCoordinator(kind: .goodbye(WireGoodbye())).payload()
        let bare = Array(sealed.dropLast(10))
        let (new, old) = (ConnectionID(bytes: [1]), ConnectionID(bytes: [2]))
        var book = SealBook(most: 2)
        func accepts(_ payload: [UInt8], from connection: ConnectionID) -> Bool {
            book.accepts(payload, from: connection)
        }
        #expect(MessageSeal.state(sealed) == .right && MessageSeal.state(bare) == .absent)
        #expect(accepts(bare, from: old) && accepts(bare, from: new))
        #expect(accepts(sealed, from: new))
        #expect(!accepts(bare, from: new) && accepts(bare, from: old))
        // The tag and the content changed at once.
        var damaged = sealed
        damaged[0] ^= 8
        damaged[damaged.count - 10] ^= 1
        #expect(!accepts(damaged, from: new))
        book.forget(new)
        #expect(accepts(bare, from: new))
        for number in 3..<9 as Range<UInt8> { #expect(accepts(sealed, from: ConnectionID(bytes: [number]))) }
        #expect(try WireToCoordinator(payload: bare).kind == .goodbye(WireGoodbye()))
    }
}
