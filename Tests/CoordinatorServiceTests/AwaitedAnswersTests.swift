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

    @Test func `no more than a thousand wait`() {
        var awaited = AwaitedAnswers()
        for number in 0..<1000 {
            #expect(!awaited.isFull)
            awaited.add("s\(number)", from: connection, number: UInt64(number))
        }
        #expect(awaited.isFull)
    }
}
