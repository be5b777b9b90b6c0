import ClusterProtocol
import ClusterTestSupport
import Foundation
import Testing

/// Messages that are dropped, doubled, overtaken and changed, at a real coordinator and real workers.
@Suite(.serialized) struct LossyMessageTests {
    /// More with `LOSSY_MESSAGES=1000000`.
    private static let messages =
        ProcessInfo.processInfo.environment["LOSSY_MESSAGES"].flatMap { Int($0) } ?? 2000

    @Test(.timeLimit(.minutes(60)))
    func `a song is the same when a tenth of its messages is dropped, doubled, overtaken and changed`() throws {
        let song = try LossySong(faults: .tenth)
        let songs = try song.run(seed: 1, messages: Self.messages)
        #expect(songs > 0)
        let counts = song.ledger.counts
        for share in [counts.dropped, counts.duplicated, counts.reordered, counts.flipped] {
            #expect(share > counts.messages / 15, "\(counts)")
        }
    }

    @Test func `the decoration without faults hands everything on in order, and with each of them does that alone`()
        throws
    {
        for (faults, check) in [
            (MessageFaults(), { $0 == Array(0..<100) }),
            (MessageFaults(drop: 0.3), { $0.count < 100 && $0 == $0.sorted() }),
            (MessageFaults(duplicate: 0.3), { Set($0).count == 100 && $0.count > 100 && $0 == $0.sorted() }),
            (MessageFaults(reorder: 0.3), { $0.sorted() == Array(0..<100) && $0 != $0.sorted() }),
            (MessageFaults(flip: 0.3), { $0.count == 100 && $0 != Array(0..<100) }),
        ] as [(MessageFaults, ([UInt8]) -> Bool)] {
            let network = InMemoryNetwork()
            let server = network.makeServer()
            let ledger = FaultLedger()
            let client = LossyTransport(network.makeClient(), faults: faults, seed: 5, ledger: ledger)
            for number in 0..<100 as Range<UInt8> { #expect(try client.send([number], to: .coordinator)) }
            #expect(try client.receive(timeout: .zero, limit: 10).isEmpty)
            let arrived = try server.receive(timeout: .zero, limit: 500).map { $0.payload[0] }
            #expect(check(arrived), "\(faults): \(arrived)")
            #expect(ledger.counts.messages == 100)
        }
    }
}
