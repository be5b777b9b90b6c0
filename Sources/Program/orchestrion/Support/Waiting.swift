import Dispatch
import Synchronization

/// The elements of an asynchronous sequence, for a thread that waits for each.
///
/// Not for threads of tasks, which must not wait.
struct Waiting<Source: AsyncSequence> where Source.AsyncIterator: Sendable, Source.Element: Sendable {
    private var iterator: Source.AsyncIterator

    init(for source: Source) { iterator = source.makeAsyncIterator() }

    mutating func next() throws -> Source.Element? {
        let answer = Answer<(Source.AsyncIterator, Source.Element?)>()
        let before = iterator
        Task.detached {
            var iterator = before
            do {
                let element = try await iterator.next()
                answer.set(.success((iterator, element)))
            } catch {
                answer.set(.failure(error))
            }
        }
        let element: Source.Element?
        (iterator, element) = try answer.wait()
        return element
    }
}

/// What a task hands to the thread that waits for it.
private final class Answer<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    func set(_ result: Result<Value, any Error>) {
        self.result.withLock { $0 = result }
        isThere.signal()
    }

    func wait() throws -> Value {
        isThere.wait()
        return try result.withLock { $0! }.get()
    }
}
