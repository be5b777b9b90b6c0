import ClusterProtocol
import Foundation
import Synchronization
import Testing

@testable import CoordinatorService

struct CompletionsTests {
    private struct Fault: Error, Equatable {
        let number: Int
    }

    private final class CountingWaker: Waker {
        private let count = Mutex(0)
        var wakes: Int { count.withLock { $0 } }
        func wake() { count.withLock { $0 += 1 } }
    }

    @Test func `what threads post comes once, in each thread's order`() {
        let completions = Completions()
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<200 { completions.post(.refused("\(thread)", "\(number)")) }
        }
        var came: [String: [Int]] = [:]
        for case .refused(let thread, let number) in completions.drain() {
            came[thread, default: []].append(Int(number)!)
        }
        #expect(came.count == 4)
        #expect(came.values.allSatisfy { $0 == Array(0..<200) })
        #expect(completions.drain().isEmpty)
    }

    @Test func `the loop is woken by all that concerns it`() {
        let (completions, waker) = (Completions(), CountingWaker())
        completions.post(.refused("a", "before there is a loop"))
        completions.wake(waker)
        #expect(waker.wakes == 0)
        completions.post(.refused("b", "now"))
        completions.giveUp(Fault(number: 1))
        completions.stop()
        #expect(waker.wakes == 3)
        #expect(completions.isStopping)
    }

    @Test func `the first reason to stop counts`() {
        let completions = Completions()
        #expect(completions.fault == nil)
        completions.giveUp(Fault(number: 1))
        completions.giveUp(Fault(number: 2))
        #expect(completions.fault as? Fault == Fault(number: 1))
    }
}
