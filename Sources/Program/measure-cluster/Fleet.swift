import Foundation
import MeasurementSupport
import ZeroMQTransport

/// Many workers with keys of their own, which one thread runs.
final class Fleet {
    let workers: [FakeWorker]
    private let start = ContinuousClock.now
    /// Sockets of one libzmq context are few.
    private static let perContext = 100

    init(_ cluster: MeasuredCoordinator, keys: [CurveKeyPair], kind: FakeWorker.Kind) throws {
        var context: ZeroMQContext?
        var workers: [FakeWorker] = []
        for (number, key) in keys.enumerated() {
            if number % Self.perContext == 0 { context = try ZeroMQContext() }
            let client = try ZeroMQClient(
                connect: cluster.endpoint, security: .curve(key, server: cluster.key.publicKey), context: context!)
            workers.append(FakeWorker(name: "fake-\(number)", kind: kind, client: client, start: .zero))
        }
        self.workers = workers
    }

    var now: Duration { start.duration(to: .now) }

    /// All workers have their turn; waits a moment when nothing came.
    ///
    /// - Parameter each: before each turn; a worker may send something.
    func round(_ each: (FakeWorker, Int) throws -> Void = { _, _ in }) throws {
        var count = 0
        for (number, worker) in workers.enumerated() {
            try each(worker, number)
            count += try worker.turn(now: now)
        }
        if count == 0 { Thread.sleep(forTimeInterval: 0.001) }
    }

    /// Rounds until something is so.
    ///
    /// - Throws: `MeasurementError` when it is not after `seconds`.
    func run(
        _ what: String, within seconds: Double, until isSo: () throws -> Bool,
        _ each: (FakeWorker, Int) throws -> Void = { _, _ in }
    ) throws {
        let deadline = now + .seconds(seconds)
        while try !isSo() {
            guard now < deadline else { throw MeasurementError("waited \(Int(seconds)) s in vain for \(what)") }
            try round(each)
        }
    }

    func close() { for worker in workers { worker.close() } }
}

/// Sorted times, and what most of them are below.
struct Times {
    private var seconds: [Double] = []

    mutating func add(_ time: Duration) { seconds.append(time / .seconds(1)) }

    var count: Int { seconds.count }

    /// - Parameter share: 0.5 for the median.
    /// - Returns: milliseconds; nil when there are none.
    func quantile(_ share: Double) -> Double? {
        guard !seconds.isEmpty else { return nil }
        return seconds.sorted()[min(seconds.count - 1, Int(Double(seconds.count) * share))] * 1000
    }
}
