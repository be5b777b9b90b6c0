import ClusterProtocol
import Testing

@testable import CoordinatorService

struct AwaitedAnswersTests {
    private let connection = ConnectionID(bytes: [1])

    @Test func `a request that is sent again is known, another one is not`() {
        var awaited = AwaitedAnswers()
        awaited.add("s", from: connection, number: 7)
        #expect(awaited.has("s", from: connection, number: 7))
        #expect(!awaited.has("s", from: connection, number: 8))
        #expect(!awaited.has("s", from: ConnectionID(bytes: [2]), number: 7))
        #expect(!awaited.has("t", from: connection, number: 7))
        _ = awaited.refuse("s", "no")
        #expect(!awaited.has("s", from: connection, number: 7))
    }

    @Test func `no more than a thousand wait, and of one client half of them`() {
        var awaited = AwaitedAnswers()
        let other = ConnectionID(bytes: [2])
        for number in 0..<1000 {
            let own = number < 500 ? connection : other
            #expect(!awaited.isFull(of: own))
            awaited.add("s\(number)", from: own, number: UInt64(number))
            if number == 499 { #expect(awaited.isFull(of: connection) && !awaited.isFull(of: other)) }
        }
        #expect(awaited.isFull(of: ConnectionID(bytes: [3])))
    }
}
